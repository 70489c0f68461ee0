/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot-gain.h"
#include "trials.h"

struct samples {
	double ms[LIMIT_BOOTS];
	size_t n;
};

static int median_of(const struct samples *s, double *ret)
{
	*ret = 0;
	return s->n > 0 ? statistics_median(s->ms, s->n, ret) : 0;
}

static int find_medians(const struct trial *t, size_t n, struct boot_gain *g)
{
	struct samples eager = { .n = 0 }, control = { .n = 0 };
	int r;

	for (size_t i = 0; i < n; i++) {
		struct samples *s = t[i].is_control ? &control : &eager;

		s->ms[s->n++] = t[i].ms;
	}
	g->n_eager = eager.n;
	g->n_controls = control.n;
	r = median_of(&eager, &g->eager_ms);
	return r < 0 ? r : median_of(&control, &g->control_ms);
}

/* Boots that count, in their order. */
static size_t find_trials(const struct boots *b, struct trial *ret)
{
	size_t n = 0;

	for (size_t i = boots_first_counting(b); i < b->n; i++) {
		const struct boot_line *l = &b->items[i];

		if (l->target_ms > 0 &&
		    (l->plan == BOOT_PLAN_EAGER || l->plan == BOOT_PLAN_CONTROL))
			ret[n++] = (struct trial){ (double)l->target_ms,
						   l->plan == BOOT_PLAN_CONTROL };
	}
	return n;
}

int boot_gain_find(const struct boots *b, struct boot_gain *ret)
{
	struct trial trials[LIMIT_BOOTS];
	struct trial_pair pairs[LIMIT_BOOTS];
	size_t n = find_trials(b, trials);
	struct boot_gain g = { 0 };
	struct samples saves;
	int r = find_medians(trials, n, &g);

	if (r == 0)
		r = trials_pair(trials, n, pairs, &saves.n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < saves.n; i++)
		saves.ms[i] = pairs[i].control_ms - pairs[i].ms;
	if (saves.n > 0)
		r = statistics_estimate(saves.ms, saves.n, &g.saves_ms);
	if (r < 0)
		return r;
	g.n_pairs = saves.n;
	g.is_none = saves.n >= BOOT_GAIN_CONTROLS &&
		    g.saves_ms.high < g.control_ms * BOOT_GAIN_PERCENT / 100;
	*ret = g;
	return 0;
}
