/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "json-string.h"

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int32_t json_hex4(const char *p, const char *end)
{
	int32_t v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value((unsigned char)p[i]);

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

struct json_string json_string_at(const char *quote, const char *end)
{
	return (struct json_string){ .at = quote + 1, .end = end };
}

static void push_utf8(struct json_string *r, uint32_t v)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	unsigned n = v < 0x80 ? 1 : v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;

	for (unsigned i = 1; i < n; i++) {
		r->pending[r->n_pending++] = (unsigned char)(0x80 | (v & 0x3f));
		v >>= 6;
	}
	r->pending[r->n_pending++] = (unsigned char)((n > 1 ? lead[n] : 0) | v);
}

static void push_escape(struct json_string *r)
{
	static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *found = strchr(letters, *r->at);
	int32_t v;

	if (*r->at != 'u') {
		r->pending[r->n_pending++] =
			(unsigned char)(found ? values[found - letters] : *r->at);
		r->at++;
		return;
	}
	v = json_hex4(r->at + 1, r->end);
	r->at += 5;
	if (json_is_high_surrogate(v)) {
		v = 0x10000 + ((v - 0xd800) << 10) +
		    (json_hex4(r->at + 2, r->end) - 0xdc00);
		r->at += 6;
	}
	push_utf8(r, (uint32_t)v);
}

int json_string_next(struct json_string *r)
{
	if (r->n_pending == 0) {
		if (*r->at == '"')
			return -1;
		if (*r->at != '\\')
			return (unsigned char)*r->at++;
		r->at++;
		push_escape(r);
	}
	return r->pending[--r->n_pending];
}
