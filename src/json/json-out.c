/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "json-out.h"

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

static void put_string(const char *s)
{
	putc('"', file());
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(file(), "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(file(), "\\u%04x", c);
		else
			putc(c, file());
	}
	putc('"', file());
}

static void begin_value(const char *key)
{
	if (has_item[depth])
		putc(',', file());
	has_item[depth] = true;
	if (depth > 0)
		fprintf(file(), "\n%*s", (int)depth * 2, "");
	if (key) {
		put_string(key);
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
		put_string(value);
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
