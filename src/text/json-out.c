/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json-out.h"
#include "macro.h"
#include "utf8.h"

enum { MAX_DEPTH = 16 };

static FILE *out; /* NULL: stdout */
static unsigned depth;
static bool has_item[MAX_DEPTH + 1]; /* at each level: a comma is due before the next one */

void json_to(FILE *f)
{
	out = f;
}

static FILE *file(void)
{
	return out ? out : stdout;
}

/* The bytes of N that need no escape at their place. */
static size_t plain_bytes(const char *s, size_t n)
{
	size_t quote = strcspn(s, "\"\\");

	return utf8_plain(s, MIN(n, quote));
}

void json_quote(FILE *f, const char *s)
{
	size_t left = strlen(s), n;

	putc('"', f);
	for (; left > 0; s += n, left -= n) {
		n = plain_bytes(s, left);
		fwrite(s, 1, n, f);
		if (n > 0)
			continue;
		n = utf8_length(s, left);
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else
			fprintf(f, "\\u%04x", n ? utf8_decode(s, n) : 0xfffd);
		n = MAX(n, (size_t)1);
	}
	putc('"', f);
}

static void begin_value(const char *key)
{
	if (has_item[depth])
		putc(',', file());
	has_item[depth] = true;
	if (depth > 0)
		fprintf(file(), "\n%*s", (int)depth * 2, "");
	if (key) {
		json_quote(file(), key);
		fputs(": ", file());
	}
}

void json_open(const char *key, char bracket)
{
	begin_value(key);
	putc(bracket, file());
	assert(depth < MAX_DEPTH);
	has_item[++depth] = false;
}

void json_close(char bracket)
{
	bool empty = !has_item[depth];

	assert(depth > 0);
	depth--;
	if (!empty)
		fprintf(file(), "\n%*s", (int)depth * 2, "");
	putc(bracket, file());
	if (depth == 0) {
		putc('\n', file());
		has_item[0] = false;
	}
}

void json_string(const char *key, const char *value)
{
	begin_value(key);
	if (value)
		json_quote(file(), value);
	else
		fputs("null", file());
}

void json_uint(const char *key, uint64_t value)
{
	begin_value(key);
	fprintf(file(), "%" PRIu64, value);
}

void json_double(const char *key, double value)
{
	begin_value(key);
	fprintf(file(), "%.3f", value);
}

void json_bool(const char *key, bool value)
{
	begin_value(key);
	fputs(value ? "true" : "false", file());
}
