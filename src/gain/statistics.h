/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Medians, and how far to trust them: percentile bootstrap (Efron, 1979) with a generator
 * of fixed seed, so equal samples give equal answers. Pure; allocates its scratch only.
 */
#ifndef ELFCAST_STATISTICS_H
#define ELFCAST_STATISTICS_H

#include <stddef.h>

/*
 * With fewer samples no interval made of them can cover a median with 95 %: the widest one,
 * from the lowest to the highest, covers it with 1 - 2^(1-n), that is 93.75 % for five.
 */
#define STATS_N_MIN 6u

/* A value and the 95 % interval around it; below STATS_N_MIN samples, their whole range. */
struct estimate {
	double value, low, high;
};

/* The mean of the two in the middle where N is even. N at least 1; -ENOMEM. */
int statistics_median(const double *samples, size_t n, double *ret);

/* Median of SAMPLES. N at least 1; -ENOMEM. */
int statistics_estimate(const double *samples, size_t n, struct estimate *ret);

/*
 * Median of A less median of B, A[i] and B[i] being of the same round: rounds are drawn, so
 * what disturbed both at once does not widen the interval. N at least 1; -ENOMEM.
 */
int statistics_estimate_difference(const double *a, const double *b, size_t n,
				   struct estimate *ret);

#endif
