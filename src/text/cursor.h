/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading text that has no NUL at its end and may be anything, piece by piece. A piece that is
 * not there leaves nothing of use in the cursor: whoever parses strictly gives up then.
 */
#ifndef ELFCAST_CURSOR_H
#define ELFCAST_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of the text. */
struct cursor {
	const char *p, *end;
};

/* Exactly TEXT. When it is not next, the cursor stays. */
bool cursor_take_text(struct cursor *c, const char *text);
/* Decimal without sign and leading zeros, 0 .. MAX (below 2^60). */
bool cursor_take_number(struct cursor *c, uint64_t max, uint64_t *ret);
/* What follows, as exactly N digits (at most 18). */
bool cursor_take_digits(struct cursor *c, unsigned n, uint64_t *ret);
/* The rest of the line, without its newline. */
bool cursor_take_line(struct cursor *c, const char **ret, size_t *ret_bytes);

/*
 * Lines up to "end N" and a newline, N being how many they are, and nothing behind that: a text that was cut off
 * anywhere does not end like this. Each is for TAKE (0 or negative errno). -EBADMSG; -E2BIG: more than LIMIT.
 */
int cursor_take_lines(struct cursor *c, size_t limit,
		      int (*take)(struct cursor *c, void *userdata), void *userdata);

#endif
