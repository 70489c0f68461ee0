/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "macro.h"
#include "statistics.h"

/* Enough for the ends of a 95 % interval: the 50th value from either side. */
#define N_RESAMPLES 2000u

/* SplitMix64 (Steele, Lea, Flood, 2014): one state word, any seed is good. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 to N - 1. N is far below 2^32, so the bias of scaling is below 2^-32 too. */
static size_t pick(uint64_t *state, size_t n)
{
	return (size_t)(((next_random(state) >> 32) * (uint64_t)n) >> 32);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_in_place(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

int statistics_median(const double *samples, size_t n, double *ret)
{
	_cleanup_free_ double *v = NULL;

	assert(n > 0);
	v = malloc(n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	memcpy(v, samples, n * sizeof(*v));
	*ret = median_in_place(v, n);
	return 0;
}

/* B may be NULL: then of A alone. SCRATCH: room for 2 N. */
static double resample(const double *a, const double *b, size_t n, uint64_t *state,
		       double *scratch)
{
	for (size_t i = 0; i < n; i++) {
		size_t from = pick(state, n);

		scratch[i] = a[from];
		scratch[n + i] = b ? b[from] : 0;
	}
	return median_in_place(scratch, n) - (b ? median_in_place(scratch + n, n) : 0);
}

static double whole_value(const double *a, const double *b, size_t n, double *scratch)
{
	memcpy(scratch, a, n * sizeof(*a));
	if (b)
		memcpy(scratch + n, b, n * sizeof(*b));
	return median_in_place(scratch, n) - (b ? median_in_place(scratch + n, n) : 0);
}

static void whole_range(const double *a, const double *b, size_t n, struct estimate *ret)
{
	ret->low = ret->high = a[0] - (b ? b[0] : 0);
	for (size_t i = 1; i < n; i++) {
		double x = a[i] - (b ? b[i] : 0);

		ret->low = MIN(ret->low, x);
		ret->high = MAX(ret->high, x);
	}
	/* A difference of medians may lie outside the differences of the rounds. */
	ret->low = MIN(ret->low, ret->value);
	ret->high = MAX(ret->high, ret->value);
}

static int estimate(const double *a, const double *b, size_t n, struct estimate *ret)
{
	enum { TAIL = N_RESAMPLES / 40 }; /* 2.5 % */
	_cleanup_free_ double *values = NULL, *scratch = NULL;
	uint64_t state = 1;

	assert(n > 0);
	values = malloc(N_RESAMPLES * sizeof(*values));
	scratch = malloc(2 * n * sizeof(*scratch));
	if (!values || !scratch)
		return -ENOMEM;
	ret->value = whole_value(a, b, n, scratch);
	if (n < STATS_N_MIN) {
		whole_range(a, b, n, ret);
		return 0;
	}
	for (size_t i = 0; i < N_RESAMPLES; i++)
		values[i] = resample(a, b, n, &state, scratch);
	qsort(values, N_RESAMPLES, sizeof(*values), compare);
	ret->low = values[TAIL - 1];
	ret->high = values[N_RESAMPLES - TAIL];
	return 0;
}

int statistics_estimate(const double *samples, size_t n, struct estimate *ret)
{
	return estimate(samples, NULL, n, ret);
}

int statistics_estimate_difference(const double *a, const double *b, size_t n,
				   struct estimate *ret)
{
	return estimate(a, b, n, ret);
}
