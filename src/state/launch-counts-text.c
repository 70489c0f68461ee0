/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launch counts as a file: elfcast-launches(5). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bounds.h"
#include "cursor.h"
#include "io.h"
#include "launch-counts.h"

#define HEADER	    "elfcast-launches 3 "
#define HEADER_NAME "elfcast-launches "
/*
 * Read, so that no count is lost, and never written: of elfcast 0.2, without boots; and without
 * first launches.
 */
#define HEADER_1    "elfcast-launches 1 "
#define HEADER_2    "elfcast-launches 2 "
/* In place of a boot's ID. */
#define NO_BOOT	    "-"

bool launch_counts_is_boot_id(const char *s)
{
	return strlen(s) == LAUNCHES_BOOT_ID_BYTES &&
	       s[strspn(s, "0123456789abcdef-")] == 0;
}

/* Or NO_BOOT: "". */
static bool take_boot(struct cursor *c, char ret[static LAUNCHES_BOOT_ID_BYTES + 1])
{
	if (cursor_take_text(c, NO_BOOT))
		return true;
	if (c->end - c->p < LAUNCHES_BOOT_ID_BYTES)
		return false;
	memcpy(ret, c->p, LAUNCHES_BOOT_ID_BYTES);
	ret[LAUNCHES_BOOT_ID_BYTES] = 0;
	c->p += LAUNCHES_BOOT_ID_BYTES;
	return launch_counts_is_boot_id(ret);
}

/* "WATCHED N": a boot, and how many are known with it */
static bool take_watched(struct cursor *c, struct launch_counts *l)
{
	uint64_t n;

	if (!take_boot(c, l->watched_id) || !cursor_take_text(c, " ") ||
	    !cursor_take_number(c, LAUNCHES_WATCHED, &n))
		return false;
	l->n_watched = (uint32_t)n;
	return (*l->watched_id == 0) == (n == 0);
}

/* "TIME BOOT WATCHED N\n"; VERSION 2: "TIME BOOT", 1: "TIME" */
static bool take_header(struct cursor *c, unsigned version, struct launch_counts *l)
{
	if (!cursor_take_number(c, LIMIT_TIME_S, &l->time_s))
		return false;
	if (version >= 2 && (!cursor_take_text(c, " ") || !take_boot(c, l->boot_id)))
		return false;
	if (version >= 3 && (!cursor_take_text(c, " ") || !take_watched(c, l)))
		return false;
	return cursor_take_text(c, "\n");
}

/* "12.345678" */
static bool take_weight(struct cursor *c, uint64_t *ret)
{
	uint64_t whole, part;

	if (!cursor_take_number(c, LAUNCHES_MOST / LAUNCHES_ONE, &whole) ||
	    !cursor_take_text(c, ".") || !cursor_take_digits(c, 6, &part))
		return false;
	*ret = whole * LAUNCHES_ONE + part;
	return *ret <= LAUNCHES_MOST;
}

/* "NUMBER " */
static bool take_field(struct cursor *c, uint64_t most, uint32_t *ret)
{
	uint64_t x;

	if (!cursor_take_number(c, most, &x) || !cursor_take_text(c, " "))
		return false;
	*ret = (uint32_t)x;
	return true;
}

static bool take_firsts(struct cursor *c, uint32_t n, struct launch_count *ret)
{
	for (uint32_t i = 0; i < n; i++)
		if (!take_field(c, LIMIT_FIRST_MS, &ret->first_ms[i]))
			return false;
	return true;
}

struct taken {
	struct launch_counts *counts;
	unsigned version;
};

/* "WEIGHT LAST VAIN FIRST... PROGRAM\n"; version 2 without FIRST, 1 without VAIN */
static int take_line(struct cursor *c, void *userdata)
{
	struct launch_counts *l = ((struct taken *)userdata)->counts;
	unsigned version = ((struct taken *)userdata)->version;
	struct launch_count count = { 0 };
	const char *program;
	size_t bytes;

	if (!take_weight(c, &count.weight) || !cursor_take_text(c, " ") ||
	    !cursor_take_number(c, LIMIT_TIME_S, &count.last_s) ||
	    !cursor_take_text(c, " ") ||
	    (version >= 2 && !take_field(c, LIMIT_VAIN_BOOTS, &count.n_vain)) ||
	    !take_firsts(c, l->n_watched, &count) ||
	    !cursor_take_line(c, &program, &bytes) ||
	    !launch_counts_is_path(program, bytes))
		return -EBADMSG;
	count.program = strndup(program, bytes);
	if (count.program && l->n > 0 &&
	    strcmp(l->items[l->n - 1].program, count.program) >= 0) {
		free(count.program);
		return -EBADMSG;
	}
	return launch_counts_insert(l, l->n, &count);
}

static int take_all(struct cursor *c, struct launch_counts *l)
{
	unsigned version = cursor_take_text(c, HEADER_1)   ? 1
			   : cursor_take_text(c, HEADER_2) ? 2
			   : cursor_take_text(c, HEADER)   ? 3
							   : 0;
	struct taken taken = { l, version };

	if (version == 0)
		return cursor_take_text(c, HEADER_NAME) ? -ESTALE : -EBADMSG;
	if (!take_header(c, version, l))
		return -EBADMSG;
	return cursor_take_lines(c, LIMIT_LAUNCHES, take_line, &taken);
}

int launch_counts_parse(const char *text, size_t bytes, struct launch_counts *ret)
{
	struct cursor c = { text, text + bytes };
	struct launch_counts l = { 0 };
	int r = take_all(&c, &l);

	if (r < 0) {
		launch_counts_done(&l);
		return r;
	}
	*ret = l;
	return 0;
}

static void write_text(const void *of, FILE *f)
{
	const struct launch_counts *l = of;
	fprintf(f, HEADER "%" PRIu64 " %s %s %u\n", l->time_s,
		*l->boot_id ? l->boot_id : NO_BOOT,
		*l->watched_id ? l->watched_id : NO_BOOT, l->n_watched);
	for (size_t i = 0; i < l->n; i++) {
		const struct launch_count *c = &l->items[i];

		fprintf(f, "%" PRIu64 ".%06" PRIu64 " %" PRIu64 " %u",
			c->weight / LAUNCHES_ONE, c->weight % LAUNCHES_ONE, c->last_s,
			c->n_vain);
		for (uint32_t k = 0; k < l->n_watched; k++)
			fprintf(f, " %u", c->first_ms[k]);
		fprintf(f, " %s\n", c->program);
	}
	fprintf(f, "end %zu\n", l->n);
}

int launch_counts_format(const struct launch_counts *l, char **ret, size_t *ret_bytes)
{
	return io_build_text(write_text, l, ret, ret_bytes);
}

int launch_counts_load(const struct store *s, struct launch_counts *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	int r = store_read(s, STORE_LAUNCHES, NULL, &data, &bytes);

	return r < 0 ? r : launch_counts_parse((const char *)data, bytes, ret);
}

bool launch_counts_are_lost(int error)
{
	static const int errors[] = { -EBADMSG, -ESTALE, -E2BIG, -EINVAL, -ELOOP, -EPERM };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (error == errors[i])
			return true;
	return false;
}

int launch_counts_save(const struct store *s, const struct launch_counts *l)
{
	_cleanup_free_ char *text = NULL;
	bool written;
	size_t bytes;
	int r = launch_counts_format(l, &text, &bytes);

	return r < 0 ? r : store_put(s, STORE_LAUNCHES, NULL, text, bytes, &written);
}

int launch_counts_count_stored(const struct store *s, const char *program,
			       unsigned timeout_ms)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	_cleanup_close_ int lock = store_lock_launches(s, timeout_ms);
	int r;

	if (lock < 0)
		return lock;
	r = launch_counts_load(s, &l);
	if (r < 0 && r != -ENOENT && !launch_counts_are_lost(r))
		return r;
	r = launch_counts_count(&l, program, (uint64_t)MAX(time(NULL), 0));
	return r < 0 ? r : launch_counts_save(s, &l);
}
