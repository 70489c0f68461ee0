/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cursor.h"
#include "io.h"
#include "launch-counts.h"
#include "launched.h"
#include "macro.h"

#define HEADER	    "elfcast-launched 1\n"
#define HEADER_NAME "elfcast-launched "

static const char *const words[LAUNCHED_HOWS] = {
	[LAUNCHED_READ] = "read ",
	[LAUNCHED_ALONE] = "alone ",
	[LAUNCHED_THERE] = "there ",
	[LAUNCHED_DROPPED] = "dropped ",
};

/* ONE, but for its program, which is copied. */
static int append(struct launched_log *l, const char *program, size_t bytes,
		  const struct launched *one)
{
	char *copy = strndup(program, bytes);

	if (!copy)
		return -ENOMEM;
	if (l->n == LIMIT_LAUNCHED) {
		free(l->items[0].program);
		memmove(l->items, l->items + 1, --l->n * sizeof(*l->items));
	}
	l->items[l->n] = *one;
	l->items[l->n++].program = copy;
	return 0;
}

int launched_add(struct launched_log *l, const char *program, uint64_t after_ms,
		 enum launched_how how, uint32_t token)
{
	size_t bytes = strlen(program);
	const struct launched one = { .after_ms = MIN(after_ms, LIMIT_UPTIME_MS),
				      .token = token,
				      .how = how };

	return launch_counts_is_path(program, bytes) ? append(l, program, bytes, &one)
						     : -EINVAL;
}

struct launched *launched_find(struct launched_log *l, uint32_t token)
{
	for (size_t i = l->n; token && i-- > 0;)
		if (l->items[i].token == token)
			return &l->items[i];
	return NULL;
}

void launched_done(struct launched_log *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].program);
	l->n = 0;
}

/* ---- as a file ---- */

static bool take_how(struct cursor *c, enum launched_how *ret)
{
	for (*ret = 0; *ret < LAUNCHED_HOWS; (*ret)++)
		if (cursor_take_text(c, words[*ret]))
			return true;
	return false;
}

static bool take_number(struct cursor *c, uint64_t max, uint64_t *ret)
{
	return cursor_take_number(c, max, ret) && cursor_take_text(c, " ");
}

static int take_line(struct cursor *c, void *userdata)
{
	uint64_t after_ms, n_pages, read_ms, took_ms;
	enum launched_how how;
	const char *program;
	size_t bytes;

	if (!take_how(c, &how) || !take_number(c, LIMIT_UPTIME_MS, &after_ms) ||
	    !take_number(c, LIMIT_LAUNCH_PAGES, &n_pages) ||
	    !take_number(c, LIMIT_LAUNCH_MS, &read_ms) ||
	    !take_number(c, LIMIT_LAUNCH_MS, &took_ms) ||
	    !cursor_take_line(c, &program, &bytes) ||
	    !launch_counts_is_path(program, bytes))
		return -EBADMSG;
	return append(userdata, program, bytes,
		      &(struct launched){ .after_ms = after_ms,
					  .n_pages = (uint32_t)n_pages,
					  .read_ms = (uint32_t)read_ms,
					  .took_ms = (uint32_t)took_ms,
					  .how = how });
}

static int take_all(struct cursor *c, struct launched_log *l)
{
	if (!cursor_take_text(c, HEADER))
		return cursor_take_text(c, HEADER_NAME) ? -ESTALE : -EBADMSG;
	return cursor_take_lines(c, LIMIT_LAUNCHED, take_line, l);
}

int launched_parse(const char *text, size_t bytes, struct launched_log *ret)
{
	struct cursor c = { text, text + bytes };
	int r;

	ret->n = 0;
	r = take_all(&c, ret);
	if (r < 0)
		launched_done(ret);
	return r;
}

static void write_text(const void *of, FILE *f)
{
	const struct launched_log *l = of;
	size_t n = 0;

	fputs(HEADER, f);
	for (size_t i = 0; i < l->n; i++) {
		const struct launched *one = &l->items[i];

		if (one->how == LAUNCHED_PENDING)
			continue;
		fprintf(f, "%s%" PRIu64 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %s\n",
			words[one->how], one->after_ms, one->n_pages, one->read_ms,
			one->took_ms, one->program);
		n++;
	}
	fprintf(f, "end %zu\n", n);
}

int launched_format(const struct launched_log *l, char **ret, size_t *ret_bytes)
{
	return io_build_text(write_text, l, ret, ret_bytes);
}

int launched_load(const struct store *s, struct launched_log *ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	int r = store_read(s, STORE_LAUNCHED, NULL, &data, &bytes);

	ret->n = 0;
	return r < 0 ? r : launched_parse((const char *)data, bytes, ret);
}
