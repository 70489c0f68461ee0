/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json-read.h"
#include "json-scan.h"
#include "macro.h"

/* Exactly sized on the heap, so that ASan sees one byte too far. */
static int scan(const char *text, size_t bytes, struct diag *diag)
{
	_cleanup_free_ char *copy = malloc(bytes ? bytes : 1);
	struct json_size size;

	assert_non_null(copy);
	memcpy(copy, text, bytes);
	return json_scan(copy, bytes, &size, diag);
}

static void test_scan_accepts(void **state)
{
	static const char *const texts[] = {
		"0",
		"-0",
		" -9223372036854775808 ",
		"9223372036854775807",
		"0.5e-7",
		"1E+400",
		"\t\r\n null \n",
		"true",
		"[false]",
		"[]",
		"{ }",
		"\"\"",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\uD83D\\uDE00\\uffff\"",
		"\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
		"\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
		"[[[[[[[[1]]]]]]]]",
		"{\"a\":{\"a\":{\"a\":[{\"a\":1}]}},\"b\":2,\"A\":3,\"\":4,\"aa\":5}",
		"[{\"a\":1},{\"a\":2}]",
	};
	struct diag diag;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (scan(texts[i], strlen(texts[i]), &diag) != 0)
			fail_msg("%s: %u:%u: %s", texts[i], diag.line, diag.column,
				 diag.message);
}

static void test_scan_refuses(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
	} cases[] = {
		{ "", 1, 1 },
		{ "nul", 1, 1 },
		{ "nulll", 1, 5 },
		{ "[1,]", 1, 4 },
		{ "[,1]", 1, 2 },
		{ "[1\n2]", 2, 1 },
		{ "[1, 02]", 1, 5 },
		{ "[1, 2", 1, 6 },
		{ "[1, 9223372036854775808]", 1, 5 },
		{ "[1, 2}", 1, 6 },
		{ "[[[[[[[[[1, 2]]]]]]]]]", 1, 9 },
		{ "{\"a\":1,}", 1, 8 },
		{ "{\"a\"}", 1, 5 },
		{ "{\"a\":}", 1, 6 },
		{ "{1:2}", 1, 2 },
		{ "[", 1, 2 },
		{ "-", 1, 2 },
		{ "-01", 1, 2 },
		{ "1.e1", 1, 3 },
		{ "1e", 1, 3 },
		{ "9223372036854775808", 1, 1 },
		{ "\"\\u00g0\"", 1, 2 },
		{ "\"\\u0000\"", 1, 2 },
		{ "\"\\ud800\\u0041\"", 1, 2 },
		{ "\"\\ud800", 1, 2 },
		{ "\"\\", 1, 3 },
		{ "\"abc", 1, 5 },
		{ "\"\xc1\xbf\"", 1, 2 },
		{ "\"\xe0\x9f\xbf\"", 1, 2 },
		{ "\"\xed\xa0\x80\"", 1, 2 },
		{ "\"\xf0\x8f\xbf\xbf\"", 1, 2 },
		{ "\"\xf4\x90\x80\x80\"", 1, 2 },
		{ "\"\xf5\x80\x80\x80\"", 1, 2 },
		{ "\"\xe2\x82", 1, 2 },
		{ "[[[[[[[[[1]]]]]]]]]", 1, 9 },
		{ "{\"a\":1,\n \"\\u0061\":2}", 2, 2 },
		{ "{\"\xc3\xa9\":1,\"\\u00e9\":2}", 1, 9 },
		{ "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", 1, 19 },
		{ "{\"a/b\":1,\"a\\/b\":2}", 1, 10 },
		{ "{} x", 1, 4 },
		{ "\xef\xbb\xbf{}", 1, 1 },
	};
	struct diag diag;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = scan(cases[i].text, strlen(cases[i].text), &diag);

		if (r == 0 || diag.line != cases[i].line || diag.column != cases[i].column)
			fail_msg("%s: %d, %u:%u", cases[i].text, r, diag.line, diag.column);
	}
	assert_int_equal(scan("[1]\0", 4, &diag), -EINVAL);
	assert_int_equal(scan("{\"a\0b\":1}", 9, &diag), -EINVAL);
	assert_int_equal(scan("[[[[[[[[[", 9, &diag), -E2BIG);
}

/* Texts cut anywhere are refused, and nobody reads behind them. */
static void test_scan_cut(void **state)
{
	static const char text[] =
		"{\"k\\u00e9\":[1,-2.5e+3,true,false,null,[1 ,\t22]],\"s\":"
		"\"\\ud83d\\ude00\xf0\x9f\x98\x80\"}";
	struct diag diag;

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(scan(text, n, &diag), -EINVAL);
	assert_int_equal(scan(text, sizeof(text) - 1, &diag), 0);
}

static void test_scan_size(void **state)
{
	static const char text[] = "{\"\\u00e9\":[1,-2.5e+3,null,{}],\"s\":"
				   "\"\\ud83d\\ude00\\n\xc3\xa9\\uffff\"}";
	struct json_size size;
	struct diag diag;

	(void)state;
	assert_int_equal(json_scan(text, sizeof(text) - 1, &size, &diag), 0);
	assert_int_equal(size.n_values, 7);
	assert_int_equal(size.n_nulls, 1);
	assert_int_equal(size.n_bytes, 2 + 7 + 1 + 4 + 1 + 2 + 3);
	/* One by one or all at once. */
	assert_int_equal(json_scan("[1, 22 ,0]", 10, &size, &diag), 0);
	assert_int_equal(size.n_values, 4);
	assert_int_equal(json_scan("[1, 22 ,-0]", 11, &size, &diag), 0);
	assert_int_equal(size.n_values, 4);
}

/* In a buffer without a byte to spare. */
static char *accepted(const char *text, size_t *ret_bytes)
{
	char *copy;
	struct diag diag;

	*ret_bytes = strlen(text);
	copy = malloc(*ret_bytes);
	assert_non_null(copy);
	memcpy(copy, text, *ret_bytes);
	assert_int_equal(json_scan(copy, *ret_bytes, NULL, &diag), 0);
	return copy;
}

static void test_types(void **state)
{
	static const struct {
		const char *text;
		enum json_kind kind;
		int64_t integer;
		size_t bytes;
	} cases[] = {
		{ " 0", JSON_INTEGER, 0, 1 },
		{ "-0\n", JSON_INTEGER, 0, 2 },
		{ "9223372036854775807", JSON_INTEGER, INT64_MAX, 19 },
		{ "-9223372036854775808 ", JSON_INTEGER, INT64_MIN, 20 },
		{ "0.5", JSON_FRACTION, 0, 3 },
		{ "1E+4", JSON_FRACTION, 0, 4 },
		{ "true", JSON_BOOL, 0, 4 },
		{ "\tfalse", JSON_BOOL, 0, 5 },
		{ "null", JSON_NULL, 0, 4 },
		{ "\"\\\"]\\\\\" ", JSON_STRING, 0, 7 },
		{ "[ [], \"]\" ] ", JSON_ARRAY, 0, 11 },
		{ "{\"}\":{ }}", JSON_OBJECT, 0, 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t bytes;
		_cleanup_free_ char *text = accepted(cases[i].text, &bytes);
		struct json_value v = json_root(text, bytes, &(struct json_seen){ 0 });

		assert_int_equal(json_kind(&v), cases[i].kind);
		assert_int_equal(json_text_bytes(&v), cases[i].bytes);
		if (cases[i].kind == JSON_INTEGER)
			assert_true(json_integer(&v) == cases[i].integer);
	}
}

static void test_walk(void **state)
{
	size_t bytes, n = 0;
	_cleanup_free_ char *text = accepted(
		"{ \"a,]\": [1, {\"x\": {}}, \"]\" , -2] ,\n \"\\u00e9\":7,\"\":[ ]}",
		&bytes);
	struct json_value root = json_root(text, bytes, &(struct json_seen){ 0 }), v, item;

	(void)state;
	assert_int_equal(json_count(&root), 3);
	assert_true(json_member(&root, "a,]", &v));
	assert_int_equal(json_count(&v), 4);
	for (bool more = json_first(&v, &item); more; more = json_next(&item), n++)
		assert_null(item.key);
	assert_int_equal(n, 4);
	assert_int_equal(json_integer(&item), -2);
	assert_false(json_member(&v, "x", &item));
	assert_true(json_member(&root, "\xc3\xa9", &v));
	assert_int_equal(json_integer(&v), 7);
	assert_true(json_string_is(v.key, v.end, "\xc3\xa9"));
	assert_true(json_member(&root, "", &v));
	assert_false(json_first(&v, &item));
	assert_int_equal(json_count(&v), 0);
	assert_false(json_member(&root, "a", &v));
	assert_false(json_member(&root, "a,]]", &v));
}

/* Wherever in a value one stops reading, what is behind it follows. */
static void test_walk_partly(void **state)
{
	size_t bytes;
	_cleanup_free_ char *text =
		accepted("[[[1, 2], \"]\", {\"a\": [3]}], [4, 5, 6, 7], 8]", &bytes);

	(void)state;
	for (int stop = 0; stop < 7; stop++) {
		struct json_value root = json_root(text, bytes, &(struct json_seen){ 0 });
		struct json_value v, item, inner;
		uint64_t n[4];

		assert_true(json_first(&root, &v));
		if (stop > 0)
			assert_true(json_first(&v, &item));
		if (stop > 1)
			assert_true(json_first(&item, &inner));
		while (stop > 2 && json_next(&inner))
			;
		for (int i = 3; i < stop; i++)
			assert_int_equal(json_next(&item), i < 5);
		assert_true(json_next(&v));
		assert_true(json_counts(&v, 4, n));
		assert_int_equal(n[3], 7);
		assert_int_equal(json_text_bytes(&v), 12);
		assert_true(json_next(&v));
		assert_int_equal(json_integer(&v), 8);
		assert_false(json_next(&v));
		assert_int_equal(json_text_bytes(&root), bytes);
	}
}

static void test_strings(void **state)
{
	static const char resolved[] = "\xf0\x9f\x98\x80\n\"\xc3\xa9/x";
	size_t bytes;
	_cleanup_free_ char *text =
		accepted("\"\\ud83d\\ude00\\n\\\"\\u00e9\\/x\"", &bytes);
	struct json_value v = json_root(text, bytes, &(struct json_seen){ 0 });
	char whole[sizeof(resolved)], cut[4];

	(void)state;
	assert_int_equal(json_copy_string(v.at, v.end, whole, sizeof(whole)),
			 sizeof(resolved) - 1);
	assert_string_equal(whole, resolved);
	assert_int_equal(json_copy_string(v.at, v.end, cut, sizeof(cut)),
			 sizeof(resolved) - 1);
	assert_string_equal(cut, "\xf0\x9f\x98");
	assert_int_equal(json_copy_string(v.at, v.end, NULL, 0), sizeof(resolved) - 1);
	assert_true(json_string_is(v.at, v.end, resolved));
	assert_false(json_string_is(v.at, v.end, "\xf0\x9f\x98\x80"));
}

static void test_position(void **state)
{
	struct diag diag;

	(void)state;
	json_position("ab\nc", 0, &diag);
	assert_int_equal(diag.line * 10 + diag.column, 11);
	json_position("ab\nc", 2, &diag);
	assert_int_equal(diag.line * 10 + diag.column, 13);
	json_position("ab\nc", 4, &diag);
	assert_int_equal(diag.line * 10 + diag.column, 22);
}

static void test_counts(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "[1,22,333,4]", true },
		{ "[ 1 ,\t22,\n333\r,4 ]", true },
		{ "[1,22,333]", false },
		{ "[1,22,333,4,5]", false },
		{ "[1,22,333,-4]", false },
		{ "[1,22,333,4.0]", false },
		{ "[1,22,333,4e1]", false },
		{ "[1,22,333,\"4\"]", false },
		{ "[1,22,333,[4]]", false },
		{ "[1,22,333,null]", false },
		{ "[]", false },
		{ "[1000000000000000000,22,333,4]", false }, /* 19 digits */
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t bytes = strlen(cases[i].text);
		_cleanup_free_ char *copy = malloc(bytes);
		struct json_value v;
		uint64_t n[4];

		memcpy(copy, cases[i].text, bytes);
		v = json_root(copy, bytes, &(struct json_seen){ 0 });
		if (json_counts(&v, 4, n) != cases[i].good)
			fail_msg("%s", cases[i].text);
		if (cases[i].good)
			assert_true(n[0] == 1 && n[1] == 22 && n[2] == 333 && n[3] == 4);
	}
}

/* Of what was read to its end nothing is read again to go on behind it: it is gone by then. */
static void test_nested_is_read_once(void **state)
{
	static const char text[] =
		"{\"a\": [[1, [2]], {\"b\": [3, 4]}], \"c\": [5, 6], \"d\": 7}";
	char copy[sizeof(text)];
	struct json_seen seen = { 0 };
	struct json_value root, member, item, inner, last;
	uint64_t n[2];

	(void)state;
	memcpy(copy, text, sizeof(text));
	root = json_root(copy, strlen(copy), &seen);
	assert_true(json_first(&root, &member));
	assert_true(json_first(&member, &item));
	assert_int_equal(json_count(&item), 2);
	memset(strstr(copy, "[1, [2]]") + 1, '[', strlen("1, [2]"));
	assert_true(json_next(&item));
	assert_true(json_first(&item, &inner));
	assert_true(json_first(&inner, &last));
	while (json_next(&last))
		;
	memset(strstr(copy, "[3, 4]") + 1, '[', strlen("3, 4"));
	assert_false(json_next(&inner));
	memset(strstr(copy, "{\"b\"") + 1, '{', strlen("\"b\": "));
	assert_false(json_next(&item));
	memset(strchr(copy, '[') + 1, '[', 4);
	assert_true(json_next(&member));
	assert_true(json_string_is(member.key, member.end, "c"));
	assert_true(json_counts(&member, 2, n));
	memset(strstr(copy, "[5, 6]") + 1, '[', strlen("5, 6"));
	assert_true(json_next(&member));
	assert_int_equal(json_integer(&member), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested_is_read_once),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_scan_accepts),
		cmocka_unit_test(test_scan_refuses),
		cmocka_unit_test(test_scan_cut),
		cmocka_unit_test(test_scan_size),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_partly),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_position),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
