/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who calls whom outlives what sizes do not: other flags, another compiler. Where a caller is found, what it calls
 * first, second, third is, as far as nothing was inlined between; where what is called is found, who calls it is one of few. What
 * they say is counted, and what is found so tells of others in the next round.
 */
#include <errno.h>
#include <string.h>

#include "align-private.h"
#include "bounds.h"
#include "search.h"
#include "vec.h"

/* A chain of calls may be long; most end after four. */
enum { ROUNDS = 16 };
/* Of what everybody calls, each caller is one of many. */
enum { MAX_CALLERS = 32 };
/* A function is at most twice as long or half. */
enum { MAX_DISTANCE = 8, NEAR = 3 };
#define SURE_ENOUGH (ALIGN_SURE * 3 / 4)
#define FOUND_TWICE (ALIGN_SURE * 7 / 8)
#define FOUND_ONCE  (ALIGN_SURE * 5 / 8)

/* That old unit is new unit. */
struct vote {
	uint32_t old, new;
	unsigned weight;
};

struct caller {
	uint32_t to, from, place;
};

struct votes {
	struct vote *votes;
	size_t n, capacity;
	struct caller *callers; /* in the new file, of what is found: by who is called */
	size_t n_callers, callers_capacity;
	bool *is_taken;	   /* new units that are surely another one's */
	uint8_t *n_called; /* how often each new unit is, MAX_CALLERS + 1: or more */
};

static bool is_sure(const struct old_unit *u)
{
	return u->to != ALIGN_NONE && u->sure >= SURE_ENOUGH;
}

static int add_vote(const struct aligner *a, struct votes *v, uint32_t old, uint32_t new,
		    unsigned weight)
{
	unsigned apart = code_distance(a->code->units[old].code, a->to->units[new].code);

	if (apart > MAX_DISTANCE)
		return 0;
	if (VEC_RESERVE_ONE(v->votes, v->n, v->capacity) < 0)
		return -ENOMEM;
	v->votes[v->n++] = (struct vote){ old, new, 2 * weight + (apart <= NEAR) };
	return 0;
}

/* ---- from who calls ---- */

/* Calls of one unit: OLD of the old file, where N there are; in the new file from FIRST on. */
struct calls {
	const struct ran_call *old;
	size_t n_old, n;
	const struct call *new;
	size_t n_new;
};

static struct calls calls_of(const struct aligner *a, size_t first)
{
	const struct ran_call *c = &a->code->calls[first];
	const struct old_unit *u = &a->code->units[c->from];
	struct calls s = { .old = c, .n = u->n_calls };
	size_t i = layout_calls_of(a->to, u->to);

	while (first + s.n_old < a->code->n_calls && c[s.n_old].from == c->from)
		s.n_old++;
	s.new = a->to->calls + i;
	while (i + s.n_new < a->to->n_calls && s.new[s.n_new].from == u->to)
		s.n_new++;
	return s;
}

/* Where each call of a function that is found is in the new file: -1 where it is not, or not once. */
static void find_places(const struct aligner *a, const struct calls *s, int64_t *ret)
{
	for (size_t i = 0; i < s->n_old; i++) {
		const struct old_unit *u = &a->code->units[s->old[i].to];

		ret[i] = -1;
		for (size_t k = 0; is_sure(u) && k < s->n_new; k++) {
			if (s->new[k].to != u->to)
				continue;
			if (ret[i] >= 0) {
				ret[i] = -1;
				break;
			}
			ret[i] = (int64_t)k;
		}
	}
}

/* As far behind one that is known as it was, or as far before. */
static int vote_beside(const struct aligner *a, struct votes *v, const struct calls *s,
		       size_t i, int64_t place, unsigned weight)
{
	return place >= 0 && place < (int64_t)s->n_new
		       ? add_vote(a, v, s->old[i].to, s->new[place].to, weight)
		       : 0;
}

/* Between two calls that are known, or the first and the end. */
static int vote_between(const struct aligner *a, struct votes *v, const struct calls *s,
			const int64_t *places, size_t i, int64_t before)
{
	int64_t after = -1;
	size_t next = i + 1;
	int r;

	while (next < s->n_old && places[next] < 0)
		next++;
	if (next < s->n_old)
		after = places[next] - (s->old[next].place - s->old[i].place);
	else if (s->n < RAN_MAX_CALLS)
		after = (int64_t)s->n_new - (int64_t)(s->n - s->old[i].place);
	r = vote_beside(a, v, s, i, before, before == after ? 3 : 1);
	return r == 0 && before != after ? vote_beside(a, v, s, i, after, 1) : r;
}

static int vote_for_called(const struct aligner *a, struct votes *v, const struct calls *s)
{
	int64_t places[RAN_MAX_CALLS],
		ahead = 0; /* of the new place, since the last that is known */
	int r = 0;

	find_places(a, s, places);
	for (size_t i = 0; r == 0 && i < s->n_old; i++) {
		if (places[i] >= 0)
			ahead = places[i] - s->old[i].place;
		else if (!is_sure(&a->code->units[s->old[i].to]))
			r = vote_between(a, v, s, places, i, s->old[i].place + ahead);
	}
	return r;
}

static int vote_by_callers(struct aligner *a, struct votes *v)
{
	const struct old_code *c = a->code;
	int r = 0;

	for (size_t i = 0, next; r == 0 && i < c->n_calls; i = next) {
		for (next = i + 1;
		     next < c->n_calls && c->calls[next].from == c->calls[i].from;)
			next++;
		if (is_sure(&c->units[c->calls[i].from])) {
			struct calls s = calls_of(a, i);
			uint64_t cells = (uint64_t)s.n_old * s.n_new;

			if (cells > a->cells)
				continue;
			a->cells -= cells;
			r = vote_for_called(a, v, &s);
		}
	}
	return r;
}

/* ---- from who is called ---- */

static int compare_callers(const void *a, const void *b)
{
	const struct caller *x = a, *y = b;

	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

/* Who calls, in the new file, what old units call that are not found. */
static int find_callers(const struct aligner *a, struct votes *v)
{
	_cleanup_free_ bool *wanted = calloc(a->to->n_units + 1, sizeof(*wanted));
	const struct old_code *c = a->code;
	const struct call *calls = a->to->calls;

	if (!wanted)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_calls; i++)
		if (!is_sure(&c->units[c->calls[i].from]) &&
		    is_sure(&c->units[c->calls[i].to]))
			wanted[c->units[c->calls[i].to].to] = true;
	v->n_callers = 0;
	for (size_t i = 0, first = 0; i < a->to->n_calls; i++) {
		if (calls[i].from != calls[first].from)
			first = i;
		if (!wanted[calls[i].to] || v->n_called[calls[i].to] > MAX_CALLERS)
			continue;
		if (VEC_RESERVE_ONE(v->callers, v->n_callers, v->callers_capacity) < 0)
			return -ENOMEM;
		v->callers[v->n_callers++] = (struct caller){ calls[i].to, calls[i].from,
							      (uint32_t)(i - first) };
	}
	if (v->n_callers > 1)
		qsort(v->callers, v->n_callers, sizeof(*v->callers), compare_callers);
	return 0;
}

static int vote_by_called(const struct aligner *a, struct votes *v)
{
	const struct old_code *c = a->code;
	int r = find_callers(a, v);

	for (size_t i = 0; r == 0 && i < c->n_calls; i++) {
		const struct ran_call *x = &c->calls[i];
		uint32_t to = c->units[x->to].to;
		size_t first, end;

		if (is_sure(&c->units[x->from]) || !is_sure(&c->units[x->to]))
			continue;
		first = SEARCH_FIRST(k, v->n_callers, v->callers[k].to < to);
		end = SEARCH_FIRST(k, v->n_callers, v->callers[k].to <= to);
		for (size_t k = first; r == 0 && k < end; k++)
			if (k == first || v->callers[k].from != v->callers[k - 1].from)
				r = add_vote(a, v, x->from, v->callers[k].from,
					     v->callers[k].place == x->place ? 2 : 1);
	}
	return r;
}

/* ---- what comes of it ---- */

static int compare_votes(const void *a, const void *b)
{
	const struct vote *x = a, *y = b;

	if (x->old != y->old)
		return x->old < y->old ? -1 : 1;
	return x->new < y->new ? -1 : x->new > y->new;
}

/* The votes [I, END) are for old unit I. Whether it is found now, or surer. */
static bool count_votes(struct aligner *a, struct votes *v, size_t i, size_t end)
{
	struct old_unit *u = &a->code->units[v->votes[i].old];
	unsigned best = 0, second = 0, sure;
	uint32_t to = ALIGN_NONE;

	for (size_t next; i < end; i = next) {
		unsigned sum = 0;

		for (next = i; next < end && v->votes[next].new == v->votes[i].new; next++)
			sum += v->votes[next].weight;
		if (v->is_taken[v->votes[i].new])
			continue;
		if (u->to == v->votes[i].new)
			sum += 2;
		if (sum > best) {
			second = best;
			best = sum;
			to = v->votes[i].new;
		} else {
			second = MAX(second, sum);
		}
	}
	if (to == ALIGN_NONE || best < 3 || best == second)
		return false;
	sure = best >= 6 && best >= 2 * second ? FOUND_TWICE : FOUND_ONCE;
	if (u->to == to && u->sure >= sure)
		return false;
	if (u->to != to && u->sure >= sure)
		return false;
	u->to = to;
	u->sure = sure;
	if (sure >= SURE_ENOUGH)
		v->is_taken[to] = true;
	return true;
}

static bool count_all(struct aligner *a, struct votes *v)
{
	bool changed = false;

	if (v->n > 1)
		qsort(v->votes, v->n, sizeof(*v->votes), compare_votes);
	for (size_t i = 0, end; i < v->n; i = end) {
		for (end = i + 1; end < v->n && v->votes[end].old == v->votes[i].old;)
			end++;
		changed |= count_votes(a, v, i, end);
	}
	return changed;
}

int align_calls(struct aligner *a)
{
	struct votes v = { .is_taken = calloc(a->to->n_units + 1, 1),
			   .n_called = calloc(a->to->n_units + 1, 1) };
	bool changed = true;
	int r = v.is_taken && v.n_called ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < a->to->n_calls; i++) {
		uint8_t *n = &v.n_called[a->to->calls[i].to];

		*n += *n <= MAX_CALLERS;
	}
	for (size_t i = 0; r == 0 && i < a->code->n_units; i++)
		if (is_sure(&a->code->units[i]))
			v.is_taken[a->code->units[i].to] = true;
	for (int i = 0; r == 0 && changed && i < ROUNDS; i++) {
		v.n = 0;
		r = vote_by_callers(a, &v);
		if (r == 0)
			r = vote_by_called(a, &v);
		if (r == 0)
			changed = count_all(a, &v);
	}
	free(v.votes);
	free(v.callers);
	free(v.is_taken);
	free(v.n_called);
	return r;
}
