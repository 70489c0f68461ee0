/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "json-out.h"

enum { MAX_DEPTH = 16 };

static unsigned depth;
static bool has_item[MAX_DEPTH + 1]; /* at each level: a comma is due before the next one */

static void put_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void begin_value(const char *key)
{
	if (has_item[depth])
		putchar(',');
	has_item[depth] = true;
	if (depth > 0)
		printf("\n%*s", (int)depth * 2, "");
	if (key) {
		put_string(key);
		fputs(": ", stdout);
	}
}

void json_open(const char *key, char bracket)
{
	begin_value(key);
	putchar(bracket);
	assert(depth < MAX_DEPTH);
	has_item[++depth] = false;
}

void json_close(char bracket)
{
	bool empty = !has_item[depth];

	assert(depth > 0);
	depth--;
	if (!empty)
		printf("\n%*s", (int)depth * 2, "");
	putchar(bracket);
	if (depth == 0) {
		putchar('\n');
		has_item[0] = false;
	}
}

void json_string(const char *key, const char *value)
{
	begin_value(key);
	if (value)
		put_string(value);
	else
		fputs("null", stdout);
}

void json_uint(const char *key, uint64_t value)
{
	begin_value(key);
	printf("%" PRIu64, value);
}

void json_double(const char *key, double value)
{
	begin_value(key);
	printf("%.3f", value);
}

void json_bool(const char *key, bool value)
{
	begin_value(key);
	fputs(value ? "true" : "false", stdout);
}
