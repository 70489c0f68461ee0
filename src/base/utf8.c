/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "macro.h"
#include "utf8.h"

/* Unicode, table 3-7. */
size_t utf8_length(const char *s, size_t left)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n = p[0] < 0x80	 ? 1
		   : p[0] < 0xc2 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
		   : p[0] < 0xf5 ? 4
				 : 0;

	if (n < 2 || n > left)
		return n > left ? 0 : n;
	if (p[0] == 0xe0)
		low = 0xa0; /* shorter forms exist */
	else if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

uint32_t utf8_decode(const char *s, size_t n)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)s[0] & masks[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	       (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

size_t utf8_plain(const char *s, size_t bytes)
{
	size_t at = 0, n;

	for (; at < bytes; at += n) {
		n = 1;
		if (s[at] >= 0x20 && s[at] < 0x7f)
			continue;
		n = utf8_length(s + at, bytes - at);
		if (n == 0 || is_control(utf8_decode(s + at, n)))
			break;
	}
	return at;
}

bool utf8_is_plain(const char *s)
{
	size_t n = strlen(s);

	return utf8_plain(s, n) == n;
}

void utf8_blank(char *s)
{
	size_t left = strlen(s), n;
	char *to = s;

	while (left > 0) {
		n = utf8_plain(s, left);
		memmove(to, s, n);
		to += n;
		s += n;
		left -= n;
		if (left == 0)
			break;
		n = MAX(utf8_length(s, left), (size_t)1);
		*to++ = '?'; /* may be where S is */
		s += n;
		left -= n;
	}
	*to = 0;
}

size_t utf8_cut(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n <= max)
		return n;
	for (n = max; n > 0 && max - n < 3 && ((unsigned char)s[n] & 0xc0) == 0x80;)
		n--;
	return n;
}
