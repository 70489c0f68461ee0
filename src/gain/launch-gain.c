/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "launch-gain.h"
#include "macro.h"
#include "trials.h"

/* Room for one of each launch; too much for a thread's stack. */
struct scratch {
	struct trial trials[LIMIT_LAUNCH_TIMES];
	struct trial_pair pairs[LIMIT_LAUNCH_TIMES];
	double percent[LIMIT_LAUNCH_TIMES], ms[LIMIT_LAUNCH_TIMES];
};

static size_t find_trials(const struct launch_times *t, const char *program,
			  struct trial *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->items[i].program, program) == 0)
			ret[n++] = (struct trial){ t->items[i].ms, !t->items[i].was_read };
	return n;
}

/* Adds to G's pairs, whose percents are in S. */
static int add_pairs(struct scratch *s, size_t n_trials, struct launch_gain *g)
{
	size_t n;
	int r = trials_pair(s->trials, n_trials, s->pairs, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct trial_pair *p = &s->pairs[i];
		double alone_ms = MAX(p->control_ms, 1.0);

		s->percent[g->n_pairs++] = 100 * (alone_ms - p->ms) / alone_ms;
	}
	return r;
}

static int median_of(struct scratch *s, size_t n_trials, bool controls, size_t *ret_n,
		     double *ret)
{
	*ret_n = 0;
	*ret = 0;
	for (size_t i = 0; i < n_trials; i++)
		if (s->trials[i].is_control == controls)
			s->ms[(*ret_n)++] = s->trials[i].ms;
	return *ret_n > 0 ? statistics_median(s->ms, *ret_n, ret) : 0;
}

static int find_own(const struct launch_times *t, const char *program, struct scratch *s,
		    struct launch_gain *g)
{
	size_t n = find_trials(t, program, s->trials);
	int r = median_of(s, n, false, &g->n_read, &g->read_ms);

	if (r == 0)
		r = median_of(s, n, true, &g->n_alone, &g->alone_ms);
	return r == 0 ? add_pairs(s, n, g) : r;
}

static bool is_first_of_program(const struct launch_times *t, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(t->items[i].program, t->items[at].program) == 0)
			return false;
	return true;
}

static int find_all(const struct launch_times *t, struct scratch *s, struct launch_gain *g)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n; i++) {
		g->n_read += t->items[i].was_read;
		g->n_alone += !t->items[i].was_read;
		if (is_first_of_program(t, i))
			r = add_pairs(s, find_trials(t, t->items[i].program, s->trials), g);
	}
	return r;
}

int launch_gain_find(const struct launch_times *t, const char *program,
		     struct launch_gain *ret)
{
	_cleanup_free_ struct scratch *s = malloc(sizeof(*s));
	struct launch_gain g = { 0 };
	int r;

	if (!s)
		return -ENOMEM;
	r = program ? find_own(t, program, s, &g) : find_all(t, s, &g);
	if (r == 0 && g.n_pairs > 0)
		r = statistics_estimate(s->percent, g.n_pairs, &g.percent);
	if (r < 0)
		return r;
	g.is_none = g.n_pairs >= (program ? LAUNCH_GAIN_PAIRS : LAUNCH_GAIN_PAIRS_ALL) &&
		    g.percent.high < LAUNCH_GAIN_PERCENT;
	*ret = g;
	return 0;
}

void launch_verdicts_done(struct launch_verdicts *v)
{
	name_list_done(&v->gain);
	name_list_done(&v->none);
	*v = (struct launch_verdicts){ 0 };
}

static int judge_one(const struct launch_times *t, const char *program,
		     struct launch_verdicts *v)
{
	struct launch_gain g;
	int r = launch_gain_find(t, program, &g);

	if (r < 0 || g.n_pairs < LAUNCH_GAIN_PAIRS)
		return r;
	return name_list_add(g.is_none ? &v->none : &v->gain, program);
}

int launch_verdicts_find(const struct launch_times *t, struct launch_verdicts *ret)
{
	_cleanup_(launch_verdicts_done) struct launch_verdicts v = { 0 };
	struct launch_gain all;
	int r = launch_gain_find(t, NULL, &all);

	for (size_t i = 0; r == 0 && i < t->n; i++)
		if (is_first_of_program(t, i))
			r = judge_one(t, t->items[i].program, &v);
	if (r < 0)
		return r;
	v.is_none = all.is_none;
	name_list_sort(&v.gain);
	name_list_sort(&v.none);
	*ret = v;
	v = (struct launch_verdicts){ 0 };
	return 0;
}

bool launch_verdicts_is_off(const struct launch_verdicts *v, const char *program)
{
	if (name_list_has(&v->none, program))
		return true;
	return v->is_none && !name_list_has(&v->gain, program);
}
