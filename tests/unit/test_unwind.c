/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables made by hand; each damaged in one field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "macro.h"
#include "unwind.h"

enum { TABLE = 0x5000 };

struct table {
	uint8_t data[512];
	size_t n;
};

static void put(struct table *t, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		t->data[t->n++] = (uint8_t)(value >> 8 * i);
}

static void put_cie(struct table *t, const char *letters, uint8_t encoding)
{
	put(t, 16 + strlen(letters), 4);
	put(t, 0, 4);
	put(t, 1, 1);
	memcpy(t->data + t->n, letters, strlen(letters) + 1);
	t->n += strlen(letters) + 1;
	put(t, 1, 1);	 /* code alignment */
	put(t, 0x78, 1); /* data alignment */
	put(t, 16, 1);	 /* return address */
	put(t, 1, 1);
	put(t, encoding, 1);
	put(t, 0, 5); /* to its length */
}

/* A function of the CIE at offset CIE; PC-relative, 4 bytes. */
static void put_function(struct table *t, size_t cie, uint64_t addr, uint32_t bytes)
{
	put(t, 16, 4);
	put(t, t->n - cie, 4);
	put(t, addr - (TABLE + t->n), 4);
	put(t, bytes, 4);
	put(t, 0, 4);
}

static struct table two_functions(void)
{
	struct table t = { 0 };

	put_cie(&t, "zR", 0x1b);
	put_function(&t, 0, 0x1000, 32);
	put_function(&t, 0, 0x1040, 100);
	put(&t, 0, 4);
	return t;
}

enum { FIRST_FUNCTION = 22 };

static int parse(const struct table *t, struct unwind_range ret[8], size_t *ret_n)
{
	struct unwind_range *ranges = NULL;
	uint8_t *copy = malloc(t->n ? t->n : 1); /* for ASan */
	int r;

	assert_non_null(copy);
	memcpy(copy, t->data, t->n);
	r = unwind_parse(copy, t->n, TABLE, true, &ranges, ret_n);
	if (r == 0 && *ret_n > 0)
		memcpy(ret, ranges, MIN(*ret_n, 8u) * sizeof(*ret));
	free(ranges);
	free(copy);
	return r;
}

static void check_two(const struct table *t)
{
	struct unwind_range ranges[8];
	size_t n = 0;

	assert_int_equal(parse(t, ranges, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(ranges[0].addr, 0x1000);
	assert_int_equal(ranges[0].bytes, 32);
	assert_int_equal(ranges[1].addr, 0x1040);
	assert_int_equal(ranges[1].bytes, 100);
}

static void refuses(const struct table *t)
{
	struct unwind_range ranges[8];
	size_t n = 77;

	assert_int_equal(parse(t, ranges, &n), -EBADMSG);
	assert_int_equal(n, 77);
}

static void test_functions(void **state)
{
	struct table t = two_functions();

	(void)state;
	check_two(&t);
	t.n -= 4; /* the end of the section ends it as well */
	check_two(&t);
	t.n = 0;
	assert_int_equal(parse(&t, (struct unwind_range[8]){ 0 }, &t.n), 0);
	assert_int_equal(t.n, 0);
}

/* What is behind the end does not count. */
static void test_end(void **state)
{
	struct table t = two_functions();

	(void)state;
	put(&t, 0xffffff, 4);
	check_two(&t);
}

static void test_two_kinds(void **state)
{
	struct table t = { 0 };
	size_t second;

	(void)state;
	put_cie(&t, "zR", 0x1b);
	put_function(&t, 0, 0x1000, 32);
	second = t.n;
	put_cie(&t, "zR", 0x03); /* absolute, 4 bytes */
	put(&t, 16, 4);
	put(&t, t.n - second, 4);
	put(&t, 0x1040, 4);
	put(&t, 100, 4);
	put(&t, 0, 4);
	check_two(&t);
}

static void test_damage(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *what;
	} damages[] = {
		{ 0, 0xff, "CIE longer than the table" },
		{ 0, 2, "CIE shorter than its fields" },
		{ 8, 2, "version" },
		{ 9, 'y', "letters without a length" },
		{ 10, 'Q', "unknown letter" },
		{ 11, 'R', "letters that go on" },
		{ 16, 0x9b, "indirect addresses" },
		{ 16, 0x3b, "addresses relative to data" },
		{ 16, 0x01, "LEB128 addresses" },
		{ FIRST_FUNCTION, 7, "function shorter than its fields" },
		{ FIRST_FUNCTION + 1, 1, "function longer than the table" },
		{ FIRST_FUNCTION + 4, 27, "CIE before the table" },
		{ FIRST_FUNCTION + 4, 1, "CIE inside the function" },
		{ FIRST_FUNCTION + 4, 4, "function as its own CIE" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct table t = two_functions();

		assert_int_not_equal(t.data[damages[i].at], damages[i].value);
		t.data[damages[i].at] = damages[i].value;
		print_message("%s\n", damages[i].what);
		refuses(&t);
	}
}

static void test_cut(void **state)
{
	struct table t = two_functions();

	(void)state;
	for (t.n -= 5; t.n > 0; t.n--)
		if (t.n != FIRST_FUNCTION && t.n != FIRST_FUNCTION + 20)
			refuses(&t);
}

/* More than a table may have: found before memory is taken for them. */
static void test_limit(void **state)
{
	size_t n_functions = LIMIT_FUNCTIONS + 1, bytes = FIRST_FUNCTION + 20 * n_functions;
	uint8_t *data = malloc(bytes);
	struct table t = two_functions();
	struct unwind_range *ranges = NULL;
	size_t n = 0;

	(void)state;
	assert_non_null(data);
	memcpy(data, t.data, FIRST_FUNCTION);
	for (size_t i = 0; i < n_functions; i++) {
		uint32_t back = (uint32_t)(FIRST_FUNCTION + 20 * i + 4);
		uint8_t *to = data + FIRST_FUNCTION + 20 * i;

		memcpy(to, t.data + FIRST_FUNCTION, 20);
		memcpy(to + 4, &back, 4);
	}
	assert_int_equal(unwind_parse(data, bytes, TABLE, true, &ranges, &n), -E2BIG);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions), cmocka_unit_test(test_end),
		cmocka_unit_test(test_two_kinds), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_cut),	  cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
