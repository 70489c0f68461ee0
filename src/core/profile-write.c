/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one canonical text of a profile: made to be read and diffed, and checked at the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json-scan.h"
#include "limits.h"
#include "profile-private.h"

/* Errors of F are sticky and looked at once, at its end. */
static void write_string(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20)
			fprintf(f, "\\u%04x", (unsigned)c);
		else if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else
			putc(c, f);
	}
	putc('"', f);
}

static void write_key_string(FILE *f, const char *before, const char *key,
			     const char *value)
{
	fprintf(f, "%s\"%s\": ", before, key);
	write_string(f, value);
}

/* Each after a comma and the text BEFORE. */
static int write_extra(FILE *f, const char *before, struct json_object *extra)
{
	_cleanup_free_ struct extra_item *items = NULL;
	size_t n;
	int r = extra_list(extra, &items, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		fprintf(f, ",%s", before);
		write_string(f, items[i].key);
		fprintf(f, ": %s", items[i].value);
	}
	return r;
}

static void write_pages(FILE *f, const struct pageset *pages)
{
	fputs(",\n\t\t\t\"pages\": [", f);
	for (size_t i = 0; i < pages->n_runs; i++) {
		const struct page_run *r = &pages->runs[i];

		fprintf(f,
			"%s\n\t\t\t\t[%" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRIu32 "]",
			i ? "," : "", r->first_pgno, r->n_pages, r->runs, r->when);
	}
	fputs(pages->n_runs ? "\n\t\t\t]" : "]", f);
}

static int write_object(FILE *f, const struct profile_object *o)
{
	char hex[BUILDID_HEX_BYTES];
	int r;

	if (profile_path_problem(o->path))
		return -EINVAL;
	write_key_string(f, "\n\t\t{\n\t\t\t", "path", o->path);
	if (o->buildid.n_bytes) {
		buildid_to_hex(&o->buildid, hex);
		write_key_string(f, ",\n\t\t\t", "build_id", hex);
	}
	fprintf(f, ",\n\t\t\t\"size\": %" PRIu64, o->size_bytes);
	if (o->digest)
		write_key_string(f, ",\n\t\t\t", "digest", o->digest);
	write_pages(f, &o->pages);
	r = write_extra(f, "\n\t\t\t", o->extra);
	fputs("\n\t\t}", f);
	return r;
}

static int write_objects(FILE *f, const struct profile *p)
{
	int r = 0;

	fputs(",\n\t\"objects\": [", f);
	for (size_t i = 0; r == 0 && i < p->n_objects; i++) {
		fputs(i ? "," : "", f);
		r = write_object(f, &p->objects[i]);
	}
	fputs(p->n_objects ? "\n\t]" : "]", f);
	return r;
}

static int write_trained(FILE *f, const struct profile *p)
{
	int r;

	fprintf(f, ",\n\t\"trained\": { \"runs\": %" PRIu32 ", \"window_ms\": %" PRIu32,
		p->n_runs, p->window_ms);
	write_key_string(f, ", ", "method", p->method);
	write_key_string(f, ", ", "kernel", p->kernel);
	r = write_extra(f, " ", p->trained_extra);
	fputs(" }", f);
	return r;
}

static int write_profile(FILE *f, const struct profile *p)
{
	int r;

	fputs("{\n\t\"elfcast\": 1", f);
	write_key_string(f, ",\n\t", "program", p->program);
	write_key_string(f, ",\n\t", "scenario", p->scenario);
	write_key_string(f, ",\n\t", "arch", p->arch);
	r = write_trained(f, p);
	if (r == 0)
		r = write_objects(f, p);
	if (r == 0)
		r = write_extra(f, "\n\t", p->extra);
	fputs("\n}\n", f);
	return r;
}

static int check_limits(const struct profile *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_objects; i++)
		n += p->objects[i].pages.n_runs;
	return n > LIMIT_PROFILE_PAGE_RUNS || p->n_objects > LIMIT_PROFILE_OBJECTS ? -E2BIG
										   : 0;
}

int profile_write(const struct profile *p, char **ret, size_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL;
	struct diag unused;
	size_t bytes;
	bool failed;
	FILE *f;
	int r = check_limits(p);

	if (r < 0 || profile_path_problem(p->program))
		return r < 0 ? r : -EINVAL;
	f = open_memstream(&text, &bytes);
	if (!f)
		return -ENOMEM;
	r = write_profile(f, p);
	failed = ferror(f) != 0;
	failed |= fclose(f) != 0;
	if (failed)
		return -ENOMEM;
	if (r == 0)
		r = json_scan(text, bytes, &unused); /* UTF-8, size */
	if (r < 0)
		return r;
	*ret = TAKE_PTR(text);
	*ret_bytes = bytes;
	return 0;
}
