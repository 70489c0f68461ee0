/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "json-lines.h"

/* A line that is as long as it may be, its newline, and room to read more than a pipe has. */
#define BUFFER_BYTES (LIMIT_PROFILE_BYTES + (1u << 20))

void json_lines_done(struct json_lines *l)
{
	free(l->buffer);
	l->buffer = NULL;
}

/* 1: there is more now; 0: there is not, and never will be. */
static int read_more(struct json_lines *l)
{
	ssize_t n;

	if (!l->buffer)
		l->buffer = malloc(BUFFER_BYTES);
	if (!l->buffer)
		return -ENOMEM;
	if (l->end == BUFFER_BYTES) {
		memmove(l->buffer, l->buffer + l->start, l->end - l->start);
		l->end -= l->start;
		l->start = 0;
	}
	do {
		n = read(l->fd, l->buffer + l->end, BUFFER_BYTES - l->end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	l->end += (size_t)n;
	return n > 0;
}

/* Whatever it holds. 1, 0 or negative errno. */
static int next_line(struct json_lines *l, const char **ret, size_t *ret_bytes)
{
	size_t seen = 0;
	char *newline;
	int r;

	l->n_line++;
	for (;;) {
		size_t bytes = l->end - l->start;

		newline = bytes > seen
				  ? memchr(l->buffer + l->start + seen, '\n', bytes - seen)
				  : NULL;
		if (newline || (l->is_over && bytes > 0))
			break;
		if (l->is_over)
			return 0;
		if (bytes > LIMIT_PROFILE_BYTES)
			return -E2BIG;
		seen = bytes;
		r = read_more(l);
		if (r < 0)
			return r;
		l->is_over = r == 0;
	}
	*ret = l->buffer + l->start;
	*ret_bytes = newline ? (size_t)(newline - *ret) : l->end - l->start;
	l->start += *ret_bytes + !!newline;
	return *ret_bytes > LIMIT_PROFILE_BYTES ? -E2BIG : 1;
}

static bool is_blank(const char *text, size_t bytes)
{
	while (bytes > 0 && strchr(" \t\r", text[bytes - 1]) && text[bytes - 1])
		bytes--;
	return bytes == 0;
}

int json_lines_next(struct json_lines *l, const char **ret, size_t *ret_bytes)
{
	int r;

	do {
		r = next_line(l, ret, ret_bytes);
	} while (r > 0 && is_blank(*ret, *ret_bytes));
	return r;
}
