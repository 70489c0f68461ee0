/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "macro.h"
#include "statistics.h"

#define assert_near(a, b) assert_true((a) - (b) < 1e-9 && (b) - (a) < 1e-9)

static void test_median(void **state)
{
	const double odd[] = { 5, 1, 4 }, even[] = { 4, 1, 9, 2 }, one[] = { -3 };
	double m;

	(void)state;
	assert_int_equal(statistics_median(odd, 3, &m), 0);
	assert_near(m, 4);
	assert_int_equal(statistics_median(even, 4, &m), 0);
	assert_near(m, 3);
	assert_int_equal(statistics_median(one, 1, &m), 0);
	assert_near(m, -3);
	/* The caller's order is kept. */
	assert_near(even[0], 4);
	assert_near(even[3], 2);
}

static void test_constant(void **state)
{
	const double same[] = { 7, 7, 7, 7, 7, 7, 7, 7 };
	struct estimate e;

	(void)state;
	assert_int_equal(statistics_estimate(same, ARRAY_SIZE(same), &e), 0);
	assert_near(e.value, 7);
	assert_near(e.low, 7);
	assert_near(e.high, 7);
}

/*
 * Nine samples: the resampled median is one of them; it is at most the k-th with
 * P(Binomial(9, k/9) >= 5), which is 0.0014, 0.030, 0.145 for k = 1, 2, 3. So 2.5 % is
 * reached within the second, and, by symmetry, 97.5 % within the eighth.
 */
static void test_known_interval(void **state)
{
	const double v[] = { 90, 10, 80, 20, 70, 30, 60, 40, 50 };
	struct estimate e;

	(void)state;
	assert_int_equal(statistics_estimate(v, ARRAY_SIZE(v), &e), 0);
	assert_near(e.value, 50);
	assert_near(e.low, 20);
	assert_near(e.high, 80);
}

static void test_same_each_time(void **state)
{
	double a[21], b[21];
	struct estimate e, f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
		a[i] = (double)(i * i % 17);
		b[i] = (double)(i * 5 % 13);
	}
	assert_int_equal(statistics_estimate_difference(a, b, ARRAY_SIZE(a), &e), 0);
	assert_int_equal(statistics_estimate_difference(a, b, ARRAY_SIZE(a), &f), 0);
	assert_memory_equal(&e, &f, sizeof(e));
}

/* One outlier of ten moves neither the median nor the interval to itself. */
static void test_outlier(void **state)
{
	const double v[] = { 10, 11, 12, 10, 11, 12, 10, 11, 12, 9000 };
	struct estimate e;

	(void)state;
	assert_int_equal(statistics_estimate(v, ARRAY_SIZE(v), &e), 0);
	assert_near(e.value, 11);
	assert_true(e.low >= 10 && e.high <= 12);
}

/* A machine that gets slower by the round: both ways drift, their difference does not. */
static void test_paired(void **state)
{
	double a[12], b[12];
	struct estimate e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
		a[i] = 100 + 50 * (double)i;
		b[i] = a[i] - 30;
	}
	assert_int_equal(statistics_estimate_difference(a, b, ARRAY_SIZE(a), &e), 0);
	assert_near(e.value, 30);
	assert_near(e.low, 30);
	assert_near(e.high, 30);
}

static void test_few(void **state)
{
	const double a[] = { 9, 5, 8, 6, 7 }, b[] = { 1, 4, 1, 1, 1 };
	struct estimate e;

	(void)state;
	assert_int_equal(statistics_estimate(a, 1, &e), 0);
	assert_near(e.value, 9);
	assert_near(e.low, 9);
	assert_near(e.high, 9);
	assert_int_equal(statistics_estimate(a, 5, &e), 0);
	assert_near(e.value, 7);
	assert_near(e.low, 5);
	assert_near(e.high, 9);
	assert_int_equal(statistics_estimate_difference(a, b, 5, &e), 0);
	assert_near(e.value, 6);
	assert_near(e.low, 1);
	assert_near(e.high, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_constant),
		cmocka_unit_test(test_known_interval),
		cmocka_unit_test(test_same_each_time),
		cmocka_unit_test(test_outlier),
		cmocka_unit_test(test_paired),
		cmocka_unit_test(test_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
