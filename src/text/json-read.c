/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "json-read.h"
#include "json-string.h"

/*
 * The text is known to be good, so only what may stand at its very end (space, or a value
 * that is no list and no string) needs to be kept from running past it.
 */
static const char *string_end(const char *quote)
{
	const char *p = quote, *escape;

	do {
		p = escape = rawmemchr(p + 1, '"');
		while (escape[-1] == '\\')
			escape--;
	} while ((p - escape) % 2);
	return p + 1;
}

/* Of a number, true, false or null. */
static const char *scalar_end(const char *p, const char *end)
{
	while (p<end && * p> ' ' && *p != ',' && *p != ']' && *p != '}')
		p++;
	return p;
}

/* Of a list, whose brackets are known to pair: only they and strings need to be looked at. */
static const char *list_end(const char *p)
{
	static const uint8_t interesting[256] = {
		['"'] = 1, ['['] = 1, ['{'] = 1, [']'] = 1, ['}'] = 1
	};
	unsigned depth = 0;

	for (;;) {
		while (!interesting[(unsigned char)*p])
			p++;
		if (*p == '"') {
			p = string_end(p);
			continue;
		}
		depth += *p == '[' || *p == '{' ? 1u : -1u;
		p++;
		if (depth == 0)
			return p;
	}
}

static const char *value_end(const char *p, const char *end)
{
	switch (*p) {
	case '"':
		return string_end(p);
	case '{':
	case '[':
		return list_end(p);
	default:
		return scalar_end(p, end);
	}
}

struct json_value json_root(const char *text, size_t bytes, struct json_seen *seen)
{
	const char *end = text + bytes;

	return (struct json_value){ .at = json_skip_space(text, end),
				    .end = end,
				    .seen = seen };
}

static void saw(const struct json_value *v, const char *at, const char *after)
{
	*v->seen = (struct json_seen){ at, after };
}

/* Behind V, which has then been seen. */
static const char *value_after(const struct json_value *v)
{
	if (v->seen->at != v->at)
		saw(v, v->at, value_end(v->at, v->end));
	return v->seen->after;
}

size_t json_text_bytes(const struct json_value *v)
{
	return (size_t)(value_after(v) - v->at);
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

bool json_counts(const struct json_value *list, size_t n, uint64_t *ret)
{
	const char *p = list->at;

	for (size_t i = 0; i < n; i++) {
		uint64_t x = 0;
		const char *digits;

		/* At the bracket or the comma in front of it. */
		digits = p = json_skip_space(p + 1, list->end);
		for (; *p >= '0' && *p <= '9' && p - digits < 18; p++)
			x = x * 10 + (unsigned)(*p - '0');
		if (p == digits)
			return false;
		p = json_skip_space(p, list->end);
		if (*p != (i + 1 < n ? ',' : ']'))
			return false;
		ret[i] = x;
	}
	saw(list, list->at, p + 1);
	return true;
}

/* V begins at P, in an object with its key. */
static void begin_item(struct json_value *v, const char *p, bool is_member)
{
	v->key = is_member ? p : NULL;
	if (is_member)
		p = json_skip_space(json_skip_space(string_end(p), v->end) + 1, v->end);
	v->at = p;
}

bool json_first(const struct json_value *list, struct json_value *ret)
{
	const char *p = json_skip_space(list->at + 1, list->end);

	if (*p == ']' || *p == '}')
		return false;
	*ret = (struct json_value){ .end = list->end,
				    .list = list->at,
				    .seen = list->seen };
	begin_item(ret, p, *list->at == '{');
	return true;
}

bool json_next(struct json_value *v)
{
	const char *p = json_skip_space(value_after(v), v->end);

	if (*p != ',') {
		saw(v, v->list, p + 1);
		return false;
	}
	begin_item(v, json_skip_space(p + 1, v->end), v->key);
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

/* Where the string at QUOTE ends, if it means what stands there; NULL: it has escapes. */
static const char *literal_end(const char *quote)
{
	const char *end = string_end(quote) - 1;

	return memchr(quote, '\\', (size_t)(end - quote)) ? NULL : end;
}

size_t json_copy_string(const char *quote, const char *end, char *ret, size_t bytes)
{
	struct json_string s = json_string_at(quote, end);
	const char *literal = literal_end(quote);
	size_t n = literal ? (size_t)(literal - quote - 1) : 0;
	int c;

	if (literal && n < bytes) {
		memcpy(ret, quote + 1, n);
		ret[n] = 0;
		return n;
	}
	n = 0;
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
	const char *p = quote + 1;
	int c;

	while (*p == *wanted && *p != '\\' && *p != '"')
		p++, wanted++;
	if (*p != '\\')
		return *p == '"' && *wanted == 0;
	s.at = p;
	while ((c = json_string_next(&s)) >= 0)
		if (c != (unsigned char)*wanted++)
			return false;
	return *wanted == 0;
}
