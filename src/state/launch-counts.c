/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "launch-counts.h"
#include "search.h"
#include "vec.h"

/* What a single launch has decayed to after twenty weeks. */
#define FORGET_BELOW (LAUNCHES_ONE / 1000)

/* 2^-(1/2), 2^-(1/4) ... in units of 2^-32: one factor for each bit of a fraction. */
static const uint32_t halving[16] = {
	3037000500u, 3611622603u, 3938502376u, 4112874773u, 4202935003u, 4248701965u,
	4271771996u, 4283353945u, 4289156690u, 4292061010u, 4293513907u, 4294240540u,
	4294603903u, 4294785595u, 4294876445u, 4294921870u,
};

static uint64_t multiply_q32(uint64_t x, uint32_t factor)
{
	return (x >> 32) * factor + (((x & UINT32_MAX) * factor) >> 32);
}

uint64_t launch_counts_decay(uint64_t weight, uint64_t seconds)
{
	uint64_t halves = seconds / LAUNCHES_HALF_LIFE_S;
	uint64_t fraction = (seconds % LAUNCHES_HALF_LIFE_S << 16) / LAUNCHES_HALF_LIFE_S;

	if (halves > 63)
		return 0;
	weight >>= halves;
	for (unsigned i = 0; i < ARRAY_SIZE(halving); i++)
		if (fraction & (1u << (15 - i)))
			weight = multiply_q32(weight, halving[i]);
	return weight;
}

/* Whether anybody has set the clock that says so. */
static bool is_clock(uint64_t now_s)
{
	return now_s >= LAUNCHES_FIRST_CLOCK_S && now_s <= LIMIT_TIME_S;
}

static uint64_t elapsed(const struct launch_counts *l, uint64_t now_s)
{
	return now_s > l->time_s ? MIN(now_s - l->time_s, LAUNCHES_LONGEST_S) : 0;
}

static void drop(struct launch_counts *l, size_t at)
{
	free(l->items[at].program);
	l->n--;
	memmove(l->items + at, l->items + at + 1, (l->n - at) * sizeof(l->items[0]));
}

void launch_counts_advance(struct launch_counts *l, uint64_t now_s)
{
	uint64_t seconds = elapsed(l, now_s);
	size_t kept = 0;

	if (!is_clock(now_s))
		return;
	l->time_s = now_s;
	for (size_t i = 0; i < l->n; i++) {
		struct launch_count *c = &l->items[i];

		c->weight = launch_counts_decay(c->weight, seconds);
		if (c->weight < FORGET_BELOW)
			c->weight = 0;
		if (c->weight > 0 || c->n_vain > 0)
			l->items[kept++] = *c;
		else
			free(c->program);
	}
	l->n = kept;
}

size_t launch_counts_position(const struct launch_counts *l, const char *program,
			      bool *ret_found)
{
	size_t at = SEARCH_FIRST(i, l->n, strcmp(l->items[i].program, program) < 0);

	*ret_found = at < l->n && strcmp(l->items[at].program, program) == 0;
	return at;
}

const struct launch_count *launch_counts_find(const struct launch_counts *l,
					      const char *program)
{
	bool found;
	size_t at = launch_counts_position(l, program, &found);

	return found ? &l->items[at] : NULL;
}

uint64_t launch_counts_weight(const struct launch_counts *l, const char *program,
			      uint64_t time_s)
{
	const struct launch_count *c = launch_counts_find(l, program);

	return c ? launch_counts_decay(c->weight, elapsed(l, time_s)) : 0;
}

uint32_t launch_counts_vain_boots(const struct launch_counts *l, const char *program)
{
	const struct launch_count *c = launch_counts_find(l, program);

	return c ? c->n_vain : 0;
}

bool launch_counts_is_hopeless(const struct launch_counts *l, const char *program)
{
	return launch_counts_vain_boots(l, program) >= LAUNCHES_VAIN_BOOTS;
}

bool launch_counts_is_path(const char *s, size_t bytes)
{
	if (bytes == 0 || bytes > LIMIT_LAUNCH_PATH_BYTES || s[0] != '/')
		return false;
	for (size_t i = 0; i < bytes; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return true;
}

/* Of equals the one that was launched longer ago, then the last by name. */
static void drop_lightest(struct launch_counts *l)
{
	size_t lightest = 0;

	for (size_t i = 1; i < l->n; i++) {
		const struct launch_count *a = &l->items[i], *b = &l->items[lightest];

		if (a->weight < b->weight ||
		    (a->weight == b->weight && a->last_s <= b->last_s))
			lightest = i;
	}
	drop(l, lightest);
}

int launch_counts_insert(struct launch_counts *l, size_t at, const struct launch_count *c)
{
	if (!c->program || VEC_RESERVE_ONE(l->items, l->n, l->capacity) < 0) {
		free(c->program);
		return -ENOMEM;
	}
	memmove(l->items + at + 1, l->items + at, (l->n - at) * sizeof(l->items[0]));
	l->items[at] = *c;
	l->n++;
	return 0;
}

int launch_counts_count(struct launch_counts *l, const char *program, uint64_t now_s)
{
	struct launch_count *c;
	bool found;
	size_t at;

	if (!launch_counts_is_path(program, strlen(program)))
		return -EINVAL;
	if (now_s < l->time_s || now_s - l->time_s >= LAUNCHES_STEP_S)
		launch_counts_advance(l, now_s);
	at = launch_counts_position(l, program, &found);
	if (!found) {
		int r;

		if (l->n >= LIMIT_LAUNCHES) {
			drop_lightest(l);
			at = launch_counts_position(l, program, &found);
		}
		r = launch_counts_insert(
			l, at, &(struct launch_count){ .program = strdup(program) });
		if (r < 0)
			return r;
	}
	c = &l->items[at];
	c->weight = MIN(c->weight + LAUNCHES_ONE, LAUNCHES_MOST);
	if (is_clock(now_s))
		c->last_s = now_s;
	return 0;
}

/* The boots before move on by one; the oldest is forgotten. */
static void begin_boot(struct launch_counts *l, const char *boot_id)
{
	strcpy(l->watched_id, boot_id);
	l->n_watched = MIN(l->n_watched + 1, LAUNCHES_WATCHED);
	for (size_t i = 0; i < l->n; i++) {
		uint32_t *first_ms = l->items[i].first_ms;

		memmove(first_ms + 1, first_ms, (LAUNCHES_WATCHED - 1) * sizeof(*first_ms));
		first_ms[0] = 0;
	}
}

void launch_counts_note_first(struct launch_counts *l, const char *boot_id,
			      uint64_t after_ms, const char *program)
{
	bool found;
	size_t at = launch_counts_position(l, program, &found);

	if (!found || after_ms > LIMIT_FIRST_MS || !launch_counts_is_boot_id(boot_id))
		return;
	if (strcmp(boot_id, l->watched_id) != 0)
		begin_boot(l, boot_id);
	if (l->items[at].first_ms[0] == 0)
		l->items[at].first_ms[0] = (uint32_t)MAX(after_ms, (uint64_t)1);
}

static int compare_ms(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return a < b ? -1 : a > b;
}

void launch_counts_habit(const struct launch_counts *l, const char *program,
			 struct launch_habit *ret)
{
	static const struct launch_count never;
	const struct launch_count *c = launch_counts_find(l, program);
	const uint32_t *first_ms = c ? c->first_ms : never.first_ms;
	uint32_t launched_ms[LAUNCHES_WATCHED], n = 0, n_boots, middle;

	for (uint32_t i = 0; i < l->n_watched; i++)
		if (first_ms[i] > 0)
			launched_ms[n++] = first_ms[i];
	qsort(launched_ms, n, sizeof(*launched_ms), compare_ms);
	n_boots = l->n_watched - (l->n_watched > 0 && first_ms[0] == 0);
	middle = n_boots > 0 ? (n_boots - 1) / 2 : 0;
	*ret = (struct launch_habit){
		.n_boots = n_boots,
		.n_launched = n,
		.after_ms = middle < n ? launched_ms[middle] : LAUNCHES_NEVER,
	};
}

void launch_counts_done(struct launch_counts *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].program);
	free(l->items);
	*l = (struct launch_counts){ 0 };
}
