/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "macro.h"
#include "mul-div.h"

static void test_known(void **state)
{
	static const struct {
		uint64_t a, b, c, want;
	} cases[] = {
		{ 0, 5, 7, 0 },
		{ 6, 7, 5, 8 },
		{ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
		{ UINT64_MAX - 1, UINT64_MAX, UINT64_MAX, UINT64_MAX - 1 },
		{ (uint64_t)1 << 63, 2, 4, (uint64_t)1 << 62 },
		{ (uint64_t)1 << 63, (uint64_t)1 << 63, (uint64_t)1 << 63,
		  (uint64_t)1 << 63 },
		{ (uint64_t)3 << 42, (uint64_t)5 << 42, (uint64_t)7 << 42, 9424385380937 },
		{ UINT64_MAX, 3, UINT64_MAX, 3 },
		{ 3, UINT64_MAX, 4, 13835058055282163711u },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(mul_div(cases[i].a, cases[i].b, cases[i].c) == cases[i].want);
		assert_true(mul_div(cases[i].b, cases[i].a, cases[i].c) == cases[i].want);
	}
}

#ifdef __SIZEOF_INT128__
static uint64_t random_64(void)
{
	return ((uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand()) >>
	       (rand() % 64);
}

/* Against a type that not every processor has. */
static void test_random(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < 200000; i++) {
		uint64_t c = random_64() | 1, a = random_64() % c, b = random_64();
		unsigned __int128 want = (unsigned __int128)a * b / c;

		assert_true(mul_div(a, b, c) == (uint64_t)want);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
#ifdef __SIZEOF_INT128__
		cmocka_unit_test(test_random),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
