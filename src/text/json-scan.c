/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recursive descent over the bytes, one function a rule of RFC 8259, and our limits where the RFC
 * has none. Keys are compared as what they mean (escapes decoded), by a hash kept for each open
 * object: a text whose object has a key twice is refused, since parsers differ in which they take.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bounds.h"
#include "json-scan.h"
#include "json-string.h"
#include "utf8.h"

/* A key of an object that is still open. */
struct key_ref {
	uint32_t at; /* its opening quote */
	uint32_t hash;
};

struct scan {
	const char *text;
	size_t bytes;
	size_t at;
	struct json_size size;
	struct diag *diag;
	struct key_ref keys[LIMIT_JSON_DEPTH][LIMIT_JSON_KEYS];
};

/* Positions are only counted when somebody wants to know: on errors. */
void json_position(const char *text, size_t at, struct diag *diag)
{
	size_t line_start = 0;

	diag->line = 1;
	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			diag->line++;
			line_start = i + 1;
		}
	}
	diag->column = (unsigned)(at - line_start) + 1;
}

_printf_(4, 5) static int fail(struct scan *s, size_t at, int error, const char *format,
			       ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(s->diag->message, sizeof(s->diag->message), format, ap);
	va_end(ap);
	json_position(s->text, at, s->diag);
	return error;
}

static int peek(const struct scan *s)
{
	return s->at < s->bytes ? (unsigned char)s->text[s->at] : -1;
}

/* "expected WHAT, found ...", at the current position. */
static int fail_expected(struct scan *s, const char *what)
{
	int c = peek(s);

	if (c < 0)
		return fail(s, s->at, -EINVAL, "expected %s, found end of file", what);
	if (c == '\'')
		return fail(s, s->at, -EINVAL, "expected %s, found a single quote", what);
	if (c > 0x20 && c < 0x7f)
		return fail(s, s->at, -EINVAL, "expected %s, found '%c'", what, c);
	return fail(s, s->at, -EINVAL, "expected %s, found byte 0x%02x", what, (unsigned)c);
}

static void skip_space(struct scan *s)
{
	s->at = (size_t)(json_skip_space(s->text + s->at, s->text + s->bytes) - s->text);
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* ---- strings ---- */

/* At the 'u' of an escape: one code unit, or a pair of surrogates. */
static int scan_unicode_escape(struct scan *s)
{
	const char *end = s->text + s->bytes;
	size_t start = s->at - 1;
	int32_t v = json_hex4(s->text + s->at + 1, end), low;

	if (v < 0)
		return fail(s, start, -EINVAL, "expected 4 hexadecimal digits after \\u");
	if (v == 0)
		return fail(s, start, -EINVAL, "\\u0000 is not allowed");
	s->at += 5;
	s->size.n_bytes += v < 0x80 ? 1 : v < 0x800 ? 2 : 3;
	if (json_is_high_surrogate(v)) {
		low = end - (s->text + s->at) >= 6 && memcmp(s->text + s->at, "\\u", 2) == 0
			      ? json_hex4(s->text + s->at + 2, end)
			      : -1;
		if (low >= 0 && json_is_low_surrogate(low)) {
			s->at += 6;
			s->size.n_bytes++; /* 4 in UTF-8 */
			return 0;
		}
	} else if (!json_is_low_surrogate(v)) {
		return 0;
	}
	return fail(s, start, -EINVAL, "\\u%04x is half of a surrogate pair", (unsigned)v);
}

static int scan_escape(struct scan *s)
{
	int c;

	s->at++;
	c = peek(s);
	if (c == 'u')
		return scan_unicode_escape(s);
	if (c <= 0 || !strchr("\"\\/bfnrt", c))
		return fail_expected(s, "one of \"\\/bfnrtu after a backslash");
	s->at++;
	s->size.n_bytes++;
	return 0;
}

/* What stands for itself in one byte. */
static void skip_plain(struct scan *s)
{
	static const bool special[256] = {
		[0 ... 0x1f] = true, ['"'] = true, ['\\'] = true, [0x80 ... 0xff] = true
	};
	size_t at = s->at;

	while (at < s->bytes && !special[(unsigned char)s->text[at]])
		at++;
	s->size.n_bytes += at - s->at;
	s->at = at;
}

static int scan_string(struct scan *s)
{
	size_t n;
	int c, r;

	s->at++;
	for (;;) {
		skip_plain(s);
		c = peek(s);
		if (c == '"')
			break;
		if (c < 0)
			return fail(s, s->at, -EINVAL, "string does not end");
		if (c < 0x20)
			return fail(s, s->at, -EINVAL,
				    "control character 0x%02x in a string", (unsigned)c);
		if (c == '\\') {
			r = scan_escape(s);
			if (r < 0)
				return r;
		} else {
			n = utf8_length(s->text + s->at, s->bytes - s->at);
			if (n == 0)
				return fail(s, s->at, -EINVAL,
					    "invalid UTF-8 (byte 0x%02x)", (unsigned)c);
			s->at += n;
			s->size.n_bytes += n;
		}
	}
	s->at++;
	return 0;
}

/* ---- keys ---- */

static uint32_t hash_key(const struct scan *s, size_t quote)
{
	struct json_string r = json_string_at(s->text + quote, s->text + s->bytes);
	uint32_t hash = 2166136261u; /* FNV-1a; collisions cost time only */
	int c;

	for (; *r.at != '"' && *r.at != '\\'; r.at++)
		hash = (hash ^ (unsigned char)*r.at) * 16777619u;
	while ((c = json_string_next(&r)) >= 0)
		hash = (hash ^ (unsigned)c) * 16777619u;
	return hash;
}

static bool keys_equal(const struct scan *s, size_t quote_a, size_t quote_b)
{
	struct json_string a = json_string_at(s->text + quote_a, s->text + s->bytes);
	struct json_string b = json_string_at(s->text + quote_b, s->text + s->bytes);
	int c;

	do {
		c = json_string_next(&a);
		if (c != json_string_next(&b))
			return false;
	} while (c >= 0);
	return true;
}

/* The key that starts at the quote START is the N-th (from 0) of its object. */
static int add_key(struct scan *s, size_t start, unsigned depth, unsigned n)
{
	struct key_ref *keys = s->keys[depth - 1];
	struct diag first;
	uint32_t hash;

	if (n >= LIMIT_JSON_KEYS)
		return fail(s, start, -E2BIG, "object has %u keys or more (at most %u)",
			    n + 1, LIMIT_JSON_KEYS);
	hash = hash_key(s, start);
	for (unsigned i = 0; i < n; i++) {
		if (keys[i].hash != hash || !keys_equal(s, keys[i].at, start))
			continue;
		json_position(s->text, keys[i].at, &first);
		return fail(s, start, -EINVAL,
			    "same key as at line %u, column %u of this object", first.line,
			    first.column);
	}
	keys[n] = (struct key_ref){ .at = (uint32_t)start, .hash = hash };
	return 0;
}

/* ---- values ---- */

/* Whether the DIGITS of an integer fit int64_t. */
static bool fits_int64(const char *digits, size_t n, bool negative)
{
	const char *limit = negative ? "9223372036854775808" : "9223372036854775807";

	return n < 19 || (n == 19 && memcmp(digits, limit, 19) <= 0);
}

static int scan_digits(struct scan *s)
{
	size_t at = s->at;

	while (at < s->bytes && is_digit(s->text[at]))
		at++;
	if (at == s->at)
		return fail_expected(s, "a digit");
	s->at = at;
	return 0;
}

/* The number started at START. */
static int scan_fraction(struct scan *s, size_t start)
{
	int r = 0;

	if (peek(s) == '.') {
		s->at++;
		r = scan_digits(s);
	}
	if (r == 0 && (peek(s) == 'e' || peek(s) == 'E')) {
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		r = scan_digits(s);
	}
	s->size.n_bytes += s->at - start;
	return r;
}

static int scan_number(struct scan *s)
{
	bool negative = peek(s) == '-';
	size_t start = s->at, digits;
	int r;

	s->at += negative;
	digits = s->at;
	if (peek(s) == '0') {
		s->at++;
		if (is_digit(peek(s)))
			return fail(s, digits, -EINVAL, "number starts with 0");
	} else {
		r = scan_digits(s);
		if (r < 0)
			return r;
	}
	if (peek(s) == '.' || peek(s) == 'e' || peek(s) == 'E')
		return scan_fraction(s, start);
	if (fits_int64(s->text + digits, s->at - digits, negative))
		return 0;
	return fail(s, start, -EINVAL, "number %.*s%s is out of range (at %s)",
		    (int)MIN(s->at - start, 40u), s->text + start,
		    s->at - start > 40 ? "..." : "",
		    negative ? "least -9223372036854775808" : "most 9223372036854775807");
}

static int scan_literal(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);

		if (s->bytes - s->at >= n && memcmp(s->text + s->at, words[i], n) == 0) {
			s->at += n;
			s->size.n_nulls += words[i][0] == 'n';
			return 0;
		}
	}
	return fail_expected(s, "a value");
}

static int scan_value(struct scan *s, unsigned depth);

static int scan_member(struct scan *s, unsigned depth, unsigned n)
{
	size_t start;
	int r;

	skip_space(s);
	start = s->at;
	if (peek(s) != '"')
		return fail_expected(s, n ? "a key in double quotes"
					  : "a key in double quotes or '}'");
	r = scan_string(s);
	if (r == 0)
		r = add_key(s, start, depth, n);
	if (r < 0)
		return r;
	skip_space(s);
	if (peek(s) != ':')
		return fail_expected(s, "':'");
	s->at++;
	return scan_value(s, depth);
}

static int scan_item(struct scan *s, unsigned depth, unsigned n)
{
	(void)n;
	return scan_value(s, depth);
}

/*
 * At the opening bracket of a list of numbers below 10^18, without sign, fraction and exponent, which most of a
 * profile is. False: it is another list, and nothing is done.
 */
static bool scan_counts(struct scan *s)
{
	const char *p = s->text + s->at, *end = s->text + s->bytes, *digits;
	size_t n = 0;

	do {
		p = digits = json_skip_space(p + 1, end);
		while (p < end && is_digit(*p))
			p++;
		if (p == digits || p - digits > 18 || (*digits == '0' && p - digits > 1))
			return false;
		p = json_skip_space(p, end);
		n++;
	} while (p < end && *p == ',');
	if (p == end || *p != ']')
		return false;
	s->size.n_values += n;
	s->at = (size_t)(p + 1 - s->text);
	return true;
}

/* Items separated by commas, up to and with CLOSE; at the opening bracket. */
static int scan_list(struct scan *s, unsigned depth, char close,
		     int (*item)(struct scan *s, unsigned depth, unsigned n))
{
	int r;

	if (depth > LIMIT_JSON_DEPTH)
		return fail(s, s->at, -E2BIG, "nested %u deep (at most %u)", depth,
			    LIMIT_JSON_DEPTH);
	if (close == ']' && scan_counts(s))
		return 0;
	s->at++;
	skip_space(s);
	if (peek(s) == close) {
		s->at++;
		return 0;
	}
	for (unsigned n = 0;; n++) {
		r = item(s, depth, n);
		if (r < 0)
			return r;
		skip_space(s);
		if (peek(s) == close)
			break;
		if (peek(s) != ',')
			return fail_expected(s, close == '}' ? "',' or '}'" : "',' or ']'");
		s->at++;
	}
	s->at++;
	return 0;
}

/* A value in something nested DEPTH deep; the outermost is at 0. */
static int scan_value(struct scan *s, unsigned depth)
{
	int c;

	skip_space(s);
	c = peek(s);
	s->size.n_values++;
	if (c == '{')
		return scan_list(s, depth + 1, '}', scan_member);
	if (c == '[')
		return scan_list(s, depth + 1, ']', scan_item);
	if (c == '"')
		return scan_string(s);
	if (c == '-' || is_digit(c))
		return scan_number(s);
	return scan_literal(s);
}

int json_scan(const char *text, size_t bytes, struct json_size *ret, struct diag *diag)
{
	struct scan s = { .text = text, .bytes = bytes, .diag = diag };
	int r;

	if (bytes > LIMIT_PROFILE_BYTES) {
		diag_set(diag, 0, 0, "%zu bytes (at most %u)", bytes, LIMIT_PROFILE_BYTES);
		return -E2BIG;
	}
	if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return fail(&s, 0, -EINVAL, "starts with a byte order mark");
	r = scan_value(&s, 0);
	if (r < 0)
		return r;
	skip_space(&s);
	if (s.at < s.bytes)
		return fail_expected(&s, "end of file");
	if (ret)
		*ret = s.size;
	return 0;
}
