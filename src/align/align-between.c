/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Needleman and Wunsch's alignment of two rows of sizes. New units may be left out for nothing
 * where the old row is broken: there nobody knows what was between. The table holds one byte a
 * cell; of a large one only a band around where units are to be expected.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "align-private.h"
#include "bounds.h"
#include "mul-div.h"
#include "search.h"

enum { SKIP = 6, DROP = 8, UNLIKE = -14, NEVER = INT_MIN / 2 };
enum { MIN_BAND = 64 };
enum step { STEP_PAIR, STEP_SKIP, STEP_DROP };

void count_codes(struct aligner *a)
{
	size_t n[256] = { 0 };

	for (size_t i = 0; i < a->to->n_units; i++)
		n[a->to->units[i].code]++;
	for (size_t i = 0; i < 256; i++) {
		size_t share = a->to->n_units / (n[i] ? n[i] : 1);

		a->worth[i] = 4 + 3 * (share ? 63 - __builtin_clzll(share) : 0);
		a->worth[i] = MIN(a->worth[i], 28);
	}
}

struct table {
	const struct old_unit *old;
	const struct unit *new;
	size_t n_old, n_new;
	bool end_is_free;
	uint64_t old_start, old_bytes, new_start, new_bytes;
	size_t *from, *until; /* of each row: columns, inclusive */
	size_t *at;	      /* where a row's steps begin */
	uint8_t *steps;
	int *above, *row;
};

static void table_done(struct table *t)
{
	free(t->from);
	free(t->until);
	free(t->at);
	free(t->steps);
	free(t->above);
	free(t->row);
}

/* Whether new units may be left out for nothing behind the first I old ones. */
static bool is_free(const struct table *t, size_t i)
{
	return i < t->n_old ? t->old[i].is_first : t->end_is_free;
}

/* The place in the new file that is expected for old unit I. */
static uint64_t expected(const struct table *t, size_t i)
{
	uint64_t off = t->old[i].off - MIN(t->old[i].off, t->old_start);

	off = MIN(off, t->old_bytes);
	return t->new_start + mul_div(off, t->new_bytes, t->old_bytes + 1);
}

/* What pairing old unit I with new unit J is worth. */
static int worth(const struct aligner *a, const struct table *t, size_t i, size_t j,
		 uint64_t place)
{
	uint8_t x = t->old[i].code, y = t->new[j].code;
	int apart = x > y ? x - y : y - x, full = a->worth[x];
	uint64_t off = t->new[j].off;
	uint64_t far = off > place ? off - place : place - off;

	if (unit_is_gap(x) != unit_is_gap(y))
		return 2 * UNLIKE;
	/* Of the way from one anchor to the next, in sixteenths. */
	full -= (int)MIN(4, far * 16 / (t->new_bytes + 1));
	return apart == 0   ? full
	       : apart == 1 ? full * 3 / 4
	       : apart == 2 ? full * 3 / 8
	       : apart == 3 ? 0
			    : UNLIKE;
}

/* ---- which cells ---- */

static size_t column_of(const struct table *t, size_t i)
{
	uint64_t place = expected(t, i);

	return SEARCH_FIRST(k, t->n_new, t->new[k].off < place);
}

/* Rows overlap, so that there is a way through; the first has column 0, the last the last. */
static uint64_t choose_band(struct table *t, uint64_t cells)
{
	uint64_t half = MAX(cells / (t->n_old + 1) / 2, (uint64_t)MIN_BAND), n = 0;

	for (size_t i = 0; i <= t->n_old; i++) {
		size_t middle = i == 0 ? 0 : i == t->n_old ? t->n_new : column_of(t, i);

		t->from[i] = middle - (size_t)MIN(middle, half);
		t->until[i] = MIN(t->n_new, middle + (size_t)half);
		if (i > 0 && t->from[i] < t->from[i - 1])
			t->from[i] = t->from[i - 1];
		if (i > 0 && t->from[i] > t->until[i - 1])
			t->until[i - 1] = t->from[i];
		if (i > 0 && t->until[i] < t->until[i - 1])
			t->until[i] = t->until[i - 1];
	}
	for (size_t i = 0; i <= t->n_old; i++) {
		t->at[i] = n;
		n += t->until[i] - t->from[i] + 1;
	}
	return n;
}

/* ---- filling it ---- */

static void fill_row(const struct aligner *a, struct table *t, size_t i)
{
	size_t from = t->from[i], until = t->until[i];
	uint8_t *steps = t->steps + t->at[i] - from;
	int skip = is_free(t, i) ? 0 : SKIP;
	uint64_t place = i ? expected(t, i - 1) : 0;

	for (size_t j = from; j <= until; j++) {
		int best = NEVER;
		enum step step = STEP_SKIP;

		if (i == 0 && j == 0)
			best = 0;
		if (i > 0 && j >= t->from[i - 1] && j <= t->until[i - 1]) {
			best = t->above[j] - DROP;
			step = STEP_DROP;
		}
		if (i > 0 && j > t->from[i - 1] && j - 1 <= t->until[i - 1]) {
			int pair = t->above[j - 1] + worth(a, t, i - 1, j - 1, place);

			if (pair >= best) {
				best = pair;
				step = STEP_PAIR;
			}
		}
		if (j > from && t->row[j - 1] - skip > best) {
			best = t->row[j - 1] - skip;
			step = STEP_SKIP;
		}
		t->row[j] = best;
		steps[j] = (uint8_t)step;
	}
}

static void follow(const struct table *t, struct old_unit *old, size_t first_new)
{
	size_t i = t->n_old, j = t->n_new;

	while (i > 0) {
		enum step step = t->steps[t->at[i] + j - t->from[i]];

		if (step == STEP_PAIR && old[i - 1].to == ALIGN_NONE)
			old[i - 1].to = (uint32_t)(first_new + j - 1);
		i -= step != STEP_SKIP;
		j -= step != STEP_DROP;
	}
}

static int allocate(struct table *t)
{
	t->from = calloc(t->n_old + 1, sizeof(*t->from));
	t->until = calloc(t->n_old + 1, sizeof(*t->until));
	t->at = calloc(t->n_old + 1, sizeof(*t->at));
	t->above = calloc(t->n_new + 1, sizeof(*t->above));
	t->row = calloc(t->n_new + 1, sizeof(*t->row));
	return t->from && t->until && t->at && t->above && t->row ? 0 : -ENOMEM;
}

static void set_places(struct aligner *a, const struct range *r, struct table *t)
{
	const struct old_unit *units = a->code->units;
	const struct unit *new = a->to->units;
	const struct unit *last = &new[a->to->n_units - 1];
	uint64_t old_end, new_end;

	t->old_start = r->old ? units[r->old - 1].off : a->code->start;
	t->new_start = r->new ? new[r->new - 1].off : new[0].off;
	old_end = r->old_end < a->code->n_units ? units[r->old_end].off : a->code->end;
	new_end =
		r->new_end < a->to->n_units ? new[r->new_end].off : last->off + last->bytes;
	t->old_bytes = old_end - MIN(old_end, t->old_start);
	t->new_bytes = new_end - MIN(new_end, t->new_start);
}

int align_between(struct aligner *a, const struct range *r)
{
	_cleanup_(table_done) struct table t = {
		.old = a->code->units + r->old,
		.new = a->to->units + r->new,
		.n_old = r->old_end - r->old,
		.n_new = r->new_end - r->new,
		.end_is_free = r->old_end == a->code->n_units ||
			       a->code->units[r->old_end].is_first,
	};
	uint64_t n;

	if (t.n_old == 0 || t.n_new == 0)
		return 0;
	if (allocate(&t) < 0)
		return -ENOMEM;
	set_places(a, r, &t);
	n = choose_band(&t, MIN(a->cells / 2, (uint64_t)LIMIT_ALIGN_TABLE));
	if (n > a->cells)
		return 0; /* not found: as if it were new */
	a->cells -= n;
	t.steps = malloc(n);
	if (!t.steps)
		return -ENOMEM;
	for (size_t i = 0; i <= t.n_old; i++) {
		int *row = t.above;

		t.above = t.row;
		t.row = row;
		fill_row(a, &t, i);
	}
	follow(&t, a->code->units + r->old, r->new);
	return 0;
}
