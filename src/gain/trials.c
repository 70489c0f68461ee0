/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trials.h"
#include "statistics.h"

/* On either side of one. */
#define NEIGHBOURS 4u

struct around {
	double ms[2 * NEIGHBOURS];
	size_t n;
};

/* The nearest ones of the other kind. */
static void find_neighbours(const struct trial *t, size_t n, size_t at, struct around *ret)
{
	unsigned n_before = 0, n_after = 0;

	ret->n = 0;
	for (size_t i = at; i-- > 0 && n_before < NEIGHBOURS;)
		if (t[i].is_control != t[at].is_control) {
			ret->ms[ret->n++] = t[i].ms;
			n_before++;
		}
	for (size_t i = at + 1; i < n && n_after < NEIGHBOURS; i++)
		if (t[i].is_control != t[at].is_control) {
			ret->ms[ret->n++] = t[i].ms;
			n_after++;
		}
}

static bool are_controls_rarer(const struct trial *t, size_t n)
{
	size_t n_controls = 0;

	for (size_t i = 0; i < n; i++)
		n_controls += t[i].is_control;
	return n_controls <= n - n_controls;
}

int trials_pair(const struct trial *trials, size_t n, struct trial_pair *ret, size_t *ret_n)
{
	bool rarer = are_controls_rarer(trials, n);
	struct around around;

	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		double ms;
		int r;

		if (trials[i].is_control != rarer)
			continue;
		find_neighbours(trials, n, i, &around);
		if (around.n == 0)
			continue;
		r = statistics_median(around.ms, around.n, &ms);
		if (r < 0)
			return r;
		ret[(*ret_n)++] = rarer ? (struct trial_pair){ ms, trials[i].ms }
					: (struct trial_pair){ trials[i].ms, ms };
	}
	return 0;
}
