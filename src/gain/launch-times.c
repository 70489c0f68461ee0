/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "cursor.h"
#include "io.h"
#include "launch-counts.h"
#include "launch-times.h"
#include "macro.h"

#define HEADER	    "elfcast-launch-times 1\n"
#define HEADER_NAME "elfcast-launch-times "
#define READ	    "read "
#define ALONE	    "alone "

static int append(struct launch_times *t, const char *program, size_t bytes, uint32_t ms,
		  bool was_read)
{
	char *copy = strndup(program, bytes);

	if (!copy)
		return -ENOMEM;
	if (t->n == LIMIT_LAUNCH_TIMES) {
		free(t->items[0].program);
		memmove(t->items, t->items + 1, --t->n * sizeof(*t->items));
	}
	t->items[t->n++] = (struct launch_time){ copy, ms, was_read };
	return 0;
}

int launch_times_add(struct launch_times *t, const char *program, uint32_t ms,
		     bool was_read)
{
	size_t bytes = strlen(program);

	if (!launch_counts_is_path(program, bytes) || ms > LIMIT_LAUNCH_MS)
		return -EINVAL;
	return append(t, program, bytes, ms, was_read);
}

void launch_times_done(struct launch_times *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->items[i].program);
	t->n = 0;
}

bool launch_times_plan(const struct launch_times *t, const char *program, bool usually)
{
	unsigned n_usual = 0;

	for (size_t i = t->n; i-- > 0;) {
		if (strcmp(t->items[i].program, program) != 0)
			continue;
		if (t->items[i].was_read != usually)
			return (n_usual + 1 < LAUNCH_TIMES_CONTROL) == usually;
		n_usual++;
	}
	return (n_usual < LAUNCH_TIMES_FIRST) == usually;
}

/* ---- as a file ---- */

static int take_line(struct cursor *c, void *userdata)
{
	struct launch_times *t = userdata;
	bool was_read = cursor_take_text(c, READ);
	const char *program;
	size_t bytes;
	uint64_t ms;

	if ((!was_read && !cursor_take_text(c, ALONE)) ||
	    !cursor_take_number(c, LIMIT_LAUNCH_MS, &ms) || !cursor_take_text(c, " ") ||
	    !cursor_take_line(c, &program, &bytes) ||
	    !launch_counts_is_path(program, bytes))
		return -EBADMSG;
	return append(t, program, bytes, (uint32_t)ms, was_read);
}

static int take_all(struct cursor *c, struct launch_times *t)
{
	if (!cursor_take_text(c, HEADER))
		return cursor_take_text(c, HEADER_NAME) ? -ESTALE : -EBADMSG;
	return cursor_take_lines(c, LIMIT_LAUNCH_TIMES, take_line, t);
}

int launch_times_parse(const char *text, size_t bytes, struct launch_times *ret)
{
	struct cursor c = { text, text + bytes };
	int r;

	ret->n = 0;
	r = take_all(&c, ret);
	if (r < 0)
		launch_times_done(ret);
	return r;
}

static void write_text(const void *of, FILE *f)
{
	const struct launch_times *t = of;

	fputs(HEADER, f);
	for (size_t i = 0; i < t->n; i++)
		fprintf(f, "%s%" PRIu32 " %s\n", t->items[i].was_read ? READ : ALONE,
			t->items[i].ms, t->items[i].program);
	fprintf(f, "end %zu\n", t->n);
}

int launch_times_format(const struct launch_times *t, char **ret, size_t *ret_bytes)
{
	return io_build_text(write_text, t, ret, ret_bytes);
}

int launch_times_load(const struct store *s, struct launch_times *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	int r = store_read(s, STORE_LAUNCH_TIMES, NULL, &data, &bytes);

	ret->n = 0;
	return r < 0 ? r : launch_times_parse((const char *)data, bytes, ret);
}
