/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "json-read.h"
#include "json-string.h"

/*
 * The text is known to be good, so only what may stand at its very end (space, or a value
 * that is no list and no string) needs to be kept from running past it.
 */
static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static const char *string_end(const char *quote)
{
	const char *p = quote + 1;

	while (*(p += strcspn(p, "\"\\")) != '"')
		p += 2; /* what is escaped */
	return p + 1;
}

/* Of a number, true, false or null. */
static const char *scalar_end(const char *p, const char *end)
{
	while (p<end && * p> ' ' && *p != ',' && *p != ']' && *p != '}')
		p++;
	return p;
}

static const char *value_end(const char *p, const char *end)
{
	unsigned depth = 0;

	do {
		p = skip_space(p, end);
		switch (*p) {
		case '"':
			p = string_end(p);
			break;
		case '{':
		case '[':
			depth++;
			p++;
			break;
		case '}':
		case ']':
			depth--;
			p++;
			break;
		case ',':
		case ':':
			p++;
			break;
		default:
			p = scalar_end(p, end);
		}
	} while (depth > 0);
	return p;
}

struct json_value json_root(const char *text, size_t bytes)
{
	const char *end = text + bytes;

	return (struct json_value){ .at = skip_space(text, end), .end = end };
}

size_t json_text_bytes(const struct json_value *v)
{
	return (size_t)(value_end(v->at, v->end) - v->at);
}

static enum json_kind number_type(const struct json_value *v)
{
	const char *end = scalar_end(v->at, v->end);

	for (const char *p = v->at; p < end; p++)
		if (*p == '.' || *p == 'e' || *p == 'E')
			return JSON_FRACTION;
	return JSON_INTEGER;
}

enum json_kind json_kind(const struct json_value *v)
{
	switch (*v->at) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 'n':
		return JSON_NULL;
	case 't':
	case 'f':
		return JSON_BOOL;
	default:
		return number_type(v);
	}
}

int64_t json_integer(const struct json_value *v)
{
	const char *p = v->at, *end = scalar_end(v->at, v->end);
	bool negative = *p == '-';
	int64_t n = 0; /* negated: there is one more number below 0 than above */

	for (p += negative; p < end; p++)
		n = n * 10 - (*p - '0');
	return negative ? n : -n;
}

/* V begins at P, in an object with its key. */
static void begin_item(struct json_value *v, const char *p, bool is_member)
{
	v->key = is_member ? p : NULL;
	if (is_member)
		p = skip_space(skip_space(string_end(p), v->end) + 1, v->end);
	v->at = p;
}

bool json_first(const struct json_value *list, struct json_value *ret)
{
	const char *p = skip_space(list->at + 1, list->end);

	if (*p == ']' || *p == '}')
		return false;
	ret->end = list->end;
	begin_item(ret, p, *list->at == '{');
	return true;
}

bool json_next(struct json_value *v)
{
	const char *p = skip_space(value_end(v->at, v->end), v->end);

	if (*p != ',')
		return false;
	begin_item(v, skip_space(p + 1, v->end), v->key);
	return true;
}

size_t json_count(const struct json_value *list)
{
	struct json_value v;
	size_t n = 0;

	for (bool more = json_first(list, &v); more; more = json_next(&v))
		n++;
	return n;
}

bool json_member(const struct json_value *object, const char *key, struct json_value *ret)
{
	struct json_value v;

	if (*object->at != '{')
		return false;
	for (bool more = json_first(object, &v); more; more = json_next(&v)) {
		if (!json_string_is(v.key, v.end, key))
			continue;
		*ret = v;
		return true;
	}
	return false;
}

size_t json_copy_string(const char *quote, const char *end, char *ret, size_t bytes)
{
	struct json_string s = json_string_at(quote, end);
	size_t n = 0;
	int c;

	while ((c = json_string_next(&s)) >= 0) {
		if (n + 1 < bytes)
			ret[n] = (char)c;
		n++;
	}
	if (bytes > 0)
		ret[n < bytes ? n : bytes - 1] = 0;
	return n;
}

bool json_string_is(const char *quote, const char *end, const char *wanted)
{
	struct json_string s = json_string_at(quote, end);
	int c;

	while ((c = json_string_next(&s)) >= 0)
		if (c != (unsigned char)*wanted++)
			return false;
	return *wanted == 0;
}
