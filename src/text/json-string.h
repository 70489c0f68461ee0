/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* White space, and what stands between the quotes of a JSON string: UTF-8 and escapes. No allocation. */
#ifndef ELFCAST_JSON_STRING_H
#define ELFCAST_JSON_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Behind the white space at P. */
static inline const char *json_skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* The four digits at P of \uXXXX, -1 when they are not four. */
int32_t json_hex4(const char *p, const char *end);

static inline bool json_is_high_surrogate(int32_t v)
{
	return v >= 0xd800 && v < 0xdc00;
}

static inline bool json_is_low_surrogate(int32_t v)
{
	return v >= 0xdc00 && v < 0xe000;
}

/* The bytes that a string stands for, one by one; only for strings that were scanned. */
struct json_string {
	const char *at, *end;
	unsigned char pending[4]; /* of an escape, last byte first */
	unsigned n_pending;
};

/* The string whose opening quote is *QUOTE, in a text up to END. */
struct json_string json_string_at(const char *quote, const char *end);
/* The next byte, -1 at the end of the string. */
int json_string_next(struct json_string *r);

#endif
