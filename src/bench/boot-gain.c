/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "boot-gain.h"
#include "macro.h"

/* On either side of a control. */
#define NEIGHBOURS 4u

struct samples {
	double ms[LIMIT_BOOTS];
	size_t n;
};

static bool counts_as(const struct boot_line *l, enum boot_plan plan)
{
	return l->plan == plan && l->target_ms > 0;
}

static void add(struct samples *s, uint64_t ms)
{
	s->ms[s->n++] = (double)ms;
}

/* Read-ahead boots nearest to line AT, not before FIRST. */
static void find_neighbours(const struct boots *b, size_t first, size_t at,
			    struct samples *ret)
{
	unsigned n_before = 0, n_after = 0;

	ret->n = 0;
	for (size_t i = at; i-- > first && n_before < NEIGHBOURS;)
		if (counts_as(&b->items[i], BOOT_PLAN_EAGER)) {
			add(ret, b->items[i].target_ms);
			n_before++;
		}
	for (size_t i = at + 1; i < b->n && n_after < NEIGHBOURS; i++)
		if (counts_as(&b->items[i], BOOT_PLAN_EAGER)) {
			add(ret, b->items[i].target_ms);
			n_after++;
		}
}

static int median_of(const struct samples *s, double *ret)
{
	*ret = 0;
	return s->n > 0 ? statistics_median(s->ms, s->n, ret) : 0;
}

static int compare_pairs(const struct boots *b, size_t first, struct samples *ret)
{
	struct samples around;
	int r = 0;

	ret->n = 0;
	for (size_t i = first; r == 0 && i < b->n; i++) {
		double ms;

		if (!counts_as(&b->items[i], BOOT_PLAN_CONTROL))
			continue;
		find_neighbours(b, first, i, &around);
		r = median_of(&around, &ms);
		if (r == 0 && around.n > 0)
			ret->ms[ret->n++] = (double)b->items[i].target_ms - ms;
	}
	return r;
}

static int find_medians(const struct boots *b, size_t first, struct boot_gain *g)
{
	struct samples eager = { .n = 0 }, control = { .n = 0 };
	int r;

	for (size_t i = first; i < b->n; i++) {
		if (counts_as(&b->items[i], BOOT_PLAN_EAGER))
			add(&eager, b->items[i].target_ms);
		if (counts_as(&b->items[i], BOOT_PLAN_CONTROL))
			add(&control, b->items[i].target_ms);
	}
	g->n_eager = eager.n;
	g->n_controls = control.n;
	r = median_of(&eager, &g->eager_ms);
	return r < 0 ? r : median_of(&control, &g->control_ms);
}

int boot_gain_find(const struct boots *b, struct boot_gain *ret)
{
	size_t first = boots_first_counting(b);
	struct boot_gain g = { 0 };
	struct samples saves;
	int r = find_medians(b, first, &g);

	if (r == 0)
		r = compare_pairs(b, first, &saves);
	if (r == 0 && saves.n > 0)
		r = statistics_estimate(saves.ms, saves.n, &g.saves_ms);
	if (r < 0)
		return r;
	g.n_pairs = saves.n;
	g.is_none = saves.n >= BOOT_GAIN_CONTROLS &&
		    g.saves_ms.high < g.control_ms * BOOT_GAIN_PERCENT / 100;
	*ret = g;
	return 0;
}
