/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text: refused with a position inside it, or read, and then written to a text that
 * reads and writes back to the same bytes, merges with itself and compares equal.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "profile.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                           \
	do {                                                                               \
		if (!(x)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);            \
			abort();                                                           \
		}                                                                          \
	} while (0)

static void check_refusal(const uint8_t *data, size_t size, int error,
			  const struct diag *diag)
{
	size_t lines = 1;

	CHECK(error == -EINVAL || error == -E2BIG || error == -ESTALE);
	CHECK(memchr(diag->message, 0, sizeof(diag->message)) && diag->message[0]);
	CHECK(utf8_is_plain(diag->message));
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	/* Without position: text over the limit. */
	CHECK(diag->line ? diag->line <= lines : size > LIMIT_PROFILE_BYTES);
	CHECK(diag->column <= size + 1);
}

static void check_lookups(const struct profile *p)
{
	const struct lookups *l = &p->lookups;

	CHECK(l->n <= LIMIT_LOOKUP_DIRS && lookups_count(l) <= LIMIT_LOOKUP_NAMES);
	for (size_t i = 0; i < l->n; i++) {
		const struct lookup_dir *d = &l->dirs[i];

		CHECK(!lookup_path_problem(d->path));
		CHECK(i == 0 || strcmp(d[-1].path, d->path) < 0);
		CHECK((d->listed || d->n) && d->listed <= p->n_runs);
		for (size_t j = 0; j < d->n; j++)
			CHECK(!lookup_name_problem(d->names[j].name) &&
			      d->names[j].runs >= 1 && d->names[j].runs <= p->n_runs &&
			      (j == 0 ||
			       strcmp(d->names[j - 1].name, d->names[j].name) < 0));
	}
}

static void check_profile(const struct profile *p)
{
	CHECK(p->program && p->scenario && p->arch && p->method && p->kernel);
	CHECK(p->n_runs >= 1 && p->window_ms >= 1);
	check_lookups(p);
	for (size_t i = 0; i < p->n_objects; i++) {
		const struct profile_object *o = &p->objects[i];
		uint64_t file_pages = DIV_ROUND_UP(o->size_bytes, PAGE_BYTES);

		CHECK(!profile_path_problem(o->path));
		CHECK(pageset_end(&o->pages) <= file_pages);
		CHECK(pageset_count(&o->pages) <= file_pages);
		for (size_t j = 0; j < o->pages.n_runs; j++)
			CHECK(o->pages.runs[j].runs >= 1 &&
			      o->pages.runs[j].runs <= p->n_runs &&
			      o->pages.runs[j].when <= LIMIT_WHEN);
	}
}

static char *write_profile(const struct profile *p, size_t *ret_bytes)
{
	char *text = NULL;

	CHECK(profile_write(p, &text, ret_bytes) == 0);
	CHECK(text[*ret_bytes] == 0);
	return text;
}

/* TEXT reads and writes back to itself. */
static void check_canonical(const char *text, size_t bytes)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_free_ char *again = NULL;
	struct diag diag;
	size_t again_bytes;

	CHECK(profile_parse(text, bytes, &p, &diag) == 0);
	again = write_profile(p, &again_bytes);
	CHECK(bytes == again_bytes && memcmp(text, again, bytes) == 0);
}

static void check_merge(const struct profile *p)
{
	_cleanup_(profile_freep) struct profile *merged = NULL;
	_cleanup_free_ char *text = NULL;
	struct diag diag;
	size_t bytes;
	int r = profile_merge(p, p, &merged, &diag);

	if (2 * p->n_runs > LIMIT_PROFILE_RUNS) {
		CHECK(r == -E2BIG);
		return;
	}
	CHECK(r == 0 && merged->n_runs == 2 * p->n_runs &&
	      merged->n_objects == p->n_objects);
	check_profile(merged);
	text = write_profile(merged, &bytes);
	check_canonical(text, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_free_ char *text = NULL;
	struct diag diag;
	size_t bytes;
	int r;

	memset(&diag, 0xff, sizeof(diag));
	r = profile_parse((const char *)data, size, &p, &diag);
	if (r < 0) {
		CHECK(!p);
		check_refusal(data, size, r, &diag);
		return 0;
	}
	check_profile(p);
	text = write_profile(p, &bytes);
	check_canonical(text, bytes);
	check_merge(p);
	return 0;
}
