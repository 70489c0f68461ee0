/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "cursor.h"

bool cursor_take_text(struct cursor *c, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n) != 0)
		return false;
	c->p += n;
	return true;
}

static bool has_digit(const struct cursor *c)
{
	return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

bool cursor_take_number(struct cursor *c, uint64_t max, uint64_t *ret)
{
	const char *start = c->p;
	uint64_t x = 0;

	for (; has_digit(c); c->p++) {
		x = x * 10 + (uint64_t)(*c->p - '0');
		if (x > max)
			return false;
	}
	*ret = x;
	return c->p > start && (*start != '0' || c->p == start + 1);
}

bool cursor_take_digits(struct cursor *c, unsigned n, uint64_t *ret)
{
	for (*ret = 0; n > 0; n--, c->p++) {
		if (!has_digit(c))
			return false;
		*ret = *ret * 10 + (uint64_t)(*c->p - '0');
	}
	return true;
}

bool cursor_take_line(struct cursor *c, const char **ret, size_t *ret_bytes)
{
	const char *newline = memchr(c->p, '\n', (size_t)(c->end - c->p));

	if (!newline)
		return false;
	*ret = c->p;
	*ret_bytes = (size_t)(newline - c->p);
	c->p = newline + 1;
	return true;
}

int cursor_take_lines(struct cursor *c, size_t limit,
		      int (*take)(struct cursor *c, void *userdata), void *userdata)
{
	uint64_t n_said;
	size_t n = 0;

	for (; !cursor_take_text(c, "end "); n++) {
		int r = n < limit ? take(c, userdata) : -E2BIG;

		if (r < 0)
			return r;
	}
	if (!cursor_take_number(c, limit, &n_said) || n_said != n ||
	    !cursor_take_text(c, "\n") || c->p != c->end)
		return -EBADMSG;
	return 0;
}
