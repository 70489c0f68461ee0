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

#endif
