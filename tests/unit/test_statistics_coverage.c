/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether as many intervals as should hold the true value do. It takes a second, and by qemu-user a minute. */
#include "in-range.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>

#include "macro.h"
#include "statistics.h"

/* Uniform in [0, 1), a generator other than the one under test. */
static double uniform(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return (double)(*x >> 11) / 9007199254740992.0;
}

/* How many of 400 intervals from N skewed samples cover the true median. */
static int count_covering(size_t n)
{
	const double true_median = 0.25;
	uint64_t x = n;
	int covering = 0;

	for (int trial = 0; trial < 400; trial++) {
		double v[32];
		struct estimate e;

		for (size_t i = 0; i < n; i++) {
			double u = uniform(&x);

			v[i] = u * u;
		}
		assert_int_equal(statistics_estimate(v, n, &e), 0);
		assert_true(e.low <= e.value && e.value <= e.high);
		covering += e.low <= true_median && true_median <= e.high;
	}
	return covering;
}

static void test_coverage(void **state)
{
	static const size_t sizes[] = { 6, 10, 30 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int covering = count_covering(sizes[i]);

		printf("# n = %zu: %d of 400 intervals cover\n", sizes[i], covering);
		assert_uint_in_range(covering, 368, 396);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_coverage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
