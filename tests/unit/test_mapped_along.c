/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bounds.h"
#include "mapped-along.h"

enum { PAGES = 200, HOLE = MAPPED_ALONG_HOLE };

static uint8_t when[PAGES];
static struct traced_file file;

static int setup(void **state)
{
	(void)state;
	memset(when, 0, sizeof(when));
	file = (struct traced_file){ .object = { .n_pages = PAGES, .when = when } };
	return 0;
}

static void expect(uint32_t first, uint32_t end, uint8_t value)
{
	for (uint32_t i = first; i < end; i++)
		assert_int_equal(when[i], value);
}

static uint32_t count(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < PAGES; i++)
		n += when[i] != 0;
	return n;
}

static void test_between(void **state)
{
	(void)state;
	traced_file_mark_along(&file, 0, 64, 9);
	traced_file_mark(&file, 10, 1, 3);
	traced_file_mark(&file, 10 + HOLE + 1, 1, 4);	  /* the longest hole that counts */
	traced_file_mark(&file, 10 + 2 * HOLE + 3, 1, 5); /* one more */
	traced_file_settle_along(&file);
	expect(0, 10, 0);
	expect(10, 11, 4);
	expect(11, 11 + HOLE, 10);
	expect(11 + HOLE, 12 + HOLE, 5);
	expect(12 + HOLE, 13 + 2 * HOLE, 0);
	expect(13 + 2 * HOLE, 14 + 2 * HOLE, 6);
	expect(14 + 2 * HOLE, PAGES, 0);
	assert_int_equal(file.n_used, count());
}

/* What was not mapped in a hole was not touched. */
static void test_only_what_was_mapped(void **state)
{
	(void)state;
	traced_file_mark(&file, 5, 1, 0);
	traced_file_mark(&file, 15, 1, 0);
	traced_file_mark_along(&file, 7, 2, 0);
	traced_file_mark_along(&file, PAGES - 1, 5, 0);
	traced_file_mark_along(&file, PAGES, 5, 0);
	traced_file_settle_along(&file);
	expect(6, 7, 0);
	expect(7, 9, 1);
	expect(9, 15, 0);
	expect(16, PAGES, 0);
	assert_int_equal(file.n_used, 4);
}

/* In any order; the latest moments keep their places in a byte. */
static void test_touched_goes_before(void **state)
{
	(void)state;
	traced_file_mark(&file, 20, 1, LIMIT_WHEN);
	traced_file_mark_along(&file, 20, 3, 2);
	traced_file_mark(&file, 22, 1, LIMIT_WHEN);
	traced_file_mark_along(&file, 30, 10, LIMIT_WHEN);
	traced_file_mark(&file, 40, 1, 1);
	traced_file_settle_along(&file);
	expect(20, 21, LIMIT_WHEN + 1);
	expect(21, 22, 3);
	expect(22, 23, LIMIT_WHEN + 1);
	expect(30, 40, LIMIT_WHEN);
	assert_int_equal(file.n_used, 14);
}

static void test_never_touched(void **state)
{
	(void)state;
	traced_file_mark_along(&file, 0, PAGES, 2);
	traced_file_settle_along(&file);
	expect(0, PAGES, 0);
	assert_int_equal(file.n_used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_between, setup),
		cmocka_unit_test_setup(test_only_what_was_mapped, setup),
		cmocka_unit_test_setup(test_touched_goes_before, setup),
		cmocka_unit_test_setup(test_never_touched, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
