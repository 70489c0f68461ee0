/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "in-range.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "macro.h"
#include "search.h"

static const int sorted[] = { 1, 1, 3, 5, 5, 5, 8, 9 };

static size_t look_through(size_t n, int sought)
{
	for (size_t i = 0; i < n; i++)
		if (sorted[i] >= sought)
			return i;
	return n;
}

/* Every length, every place: between, on equals, before all, behind all. */
static void test_is_what_looking_through_finds(void **state)
{
	(void)state;

	for (size_t n = 0; n <= ARRAY_SIZE(sorted); n++)
		for (int sought = 0; sought <= 10; sought++)
			assert_int_equal(SEARCH_FIRST(i, n, sorted[i] < sought),
					 look_through(n, sought));
}

/* Nothing but items [0, N) is asked for, and of many few. */
static void test_asks_few(void **state)
{
	(void)state;
	size_t n_asked = 0;

	assert_int_equal(SEARCH_FIRST(i, 1000000, (n_asked++, i < 777777)), 777777);
	assert_uint_in_range(n_asked, 1, 20);
	n_asked = 0;
	assert_int_equal(SEARCH_FIRST(i, SIZE_MAX, (n_asked++, i < SIZE_MAX - 1)),
			 SIZE_MAX - 1);
	assert_uint_in_range(n_asked, 1, 64);
	assert_int_equal(SEARCH_FIRST(i, 0, (fail(), i > 0)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_what_looking_through_finds),
		cmocka_unit_test(test_asks_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
