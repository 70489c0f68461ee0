/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The choice: again and again the launch with the most saved time expected per page that is
 * not in the pack yet. Each that is taken makes those cheaper that share files with it; the
 * parts of files (pack-parts.c) know whom, so that the number of pages that a launch is
 * missing is always exact, and each pair of part and launch is looked at once. Then the same
 * again with those that were taken, for their order: the sooner the earlier sessions launch
 * them.
 */
#include <errno.h>
#include <string.h>

#include "boot-programs.h"
#include "bounds.h"
#include "pack-private.h"

#define SWEEP_US 1000000u

/* ---- which launches may be chosen ---- */

static int compare_names(const void *pa, const void *pb)
{
	const struct pack_choice *a = &((const struct pack_launch *)pa)->choice;
	const struct pack_choice *b = &((const struct pack_launch *)pb)->choice;
	int c = strcmp(a->name, b->name);

	if (c == 0)
		c = strcmp(a->program, b->program);
	return c ? c : strcmp(a->scenario, b->scenario);
}

static void count_pages(struct pack *p)
{
	for (size_t i = 0; i < p->n_launches; i++) {
		struct pack_launch *l = &p->launches[i];
		uint32_t n = 0;

		for (uint32_t k = 0; k < l->n_extents; k++) {
			struct pack_extent *e = &p->extents[l->first_extent + k];

			if (p->objects[e->object].outdated)
				continue;
			l->choice.n_pages += e->n_pages;
			/* The others are out of everything from here on. */
			p->extents[l->first_extent + n++] = *e;
		}
		l->n_extents = n;
		l->choice.n_new_pages = l->choice.n_pages;
		if (n == 0 && l->choice.verdict == PACK_TAKEN)
			l->choice.verdict = PACK_STALE;
	}
}

static int compare_programs(const void *pa, const void *pb, void *launches)
{
	const struct pack_launch *l = launches;

	return strcmp(l[*(const uint32_t *)pa].choice.program,
		      l[*(const uint32_t *)pb].choice.program);
}

/* A boot is no launch of a program, but of the system. */
static bool competes(const struct pack_choice *c)
{
	return c->verdict == PACK_TAKEN && !c->boot;
}

/*
 * As launch_shadows_find(): of a program that has a default scenario, only that; else all. Where
 * several are left, each launch is one of them.
 */
static void choose_scenarios(struct pack_launch *launches, const uint32_t *group, size_t n)
{
	size_t n_default = 0, n_any = 0;

	for (size_t i = 0; i < n; i++) {
		const struct pack_choice *c = &launches[group[i]].choice;

		if (!competes(c))
			continue;
		n_any++;
		n_default += strcmp(c->scenario, "default") == 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct pack_choice *c = &launches[group[i]].choice;

		if (!competes(c))
			continue;
		if (n_default > 0 && strcmp(c->scenario, "default") != 0)
			c->verdict = PACK_OTHER_SCENARIO;
		c->weight /= (uint32_t)(n_default > 0 ? n_default : n_any);
	}
}

static void choose_all_scenarios(struct pack *p)
{
	uint32_t *by_program = p->order; /* it has nothing to say yet */
	size_t start = 0;

	for (uint32_t i = 0; i < p->n_launches; i++)
		by_program[i] = i;
	qsort_r(by_program, p->n_launches, sizeof(*by_program), compare_programs,
		p->launches);
	for (size_t i = 1; i <= p->n_launches; i++) {
		if (i < p->n_launches &&
		    compare_programs(&by_program[start], &by_program[i], p->launches) == 0)
			continue;
		choose_scenarios(p->launches, by_program + start, i - start);
		start = i;
	}
}

/* ---- the machine's own start ---- */

static bool is_recorded_boot(const struct pack_launch *l)
{
	return strcmp(l->choice.scenario, SCENARIO_BOOT) == 0;
}

/*
 * How well a recorded boot fits: its share of files that are still the same, times the programs
 * among them that start here. Both counts are below 2^20, see bounds.h.
 */
static bool fits_better(const struct pack_launch *a, const struct pack_launch *b)
{
	uint64_t same_a = (uint64_t)a->n_usable_files * (a->n_started + 1);
	uint64_t same_b = (uint64_t)b->n_usable_files * (b->n_started + 1);

	return same_a * MAX(b->n_files, 1u) > same_b * MAX(a->n_files, 1u);
}

/* Of several (a server's, a desktop's, this machine's own), the one that fits best; or NULL. */
static const struct pack_launch *choose_recorded_boot(struct pack *p)
{
	struct pack_launch *best = NULL;

	for (size_t i = 0; i < p->n_launches; i++) {
		struct pack_launch *l = &p->launches[i];

		if (!is_recorded_boot(l) || !pack_is_candidate(l))
			continue;
		if (!best || fits_better(l, best)) {
			if (best)
				best->choice.verdict = PACK_OTHER_BOOT;
			best = l;
		} else {
			l->choice.verdict = PACK_OTHER_BOOT;
		}
	}
	return best;
}

/* Most of its files are still those that were recorded. */
static bool is_current(const struct pack_launch *l)
{
	return l->n_usable_files >= l->n_files - l->n_files / 4;
}

/* Where nobody knows what the boot needs, it needs at least the programs that it starts. */
static void derive_boot(struct pack *p)
{
	const struct pack_launch *recorded = choose_recorded_boot(p);

	if (recorded && is_current(recorded))
		return;
	for (size_t i = 0; i < p->n_launches; i++) {
		struct pack_launch *l = &p->launches[i];

		if (l->boot_place != SHADOW_NONE && pack_is_candidate(l))
			l->choice.boot = true;
	}
}

/* Recorded boots come first, then programs as they start. */
static uint32_t boot_order(const struct pack_launch *l)
{
	return is_recorded_boot(l) ? 0 : l->boot_place + 1;
}

/* ---- the greedy choice ---- */

struct choice {
	struct pack *p;
	struct pack_shares shares;
	uint32_t *heap; /* launches, the best one first */
	uint32_t n_heap;
	uint32_t *touched; /* of the launch just taken: who is missing less now */
	uint32_t n_touched;
	uint64_t n_pages, us; /* what is left of the budget */
};

static void choice_done(struct choice *c)
{
	pack_shares_done(&c->shares);
	free(c->heap);
	free(c->touched);
}

/* X * PART / WHOLE, rounded down; PART is at most WHOLE, which is below 2^32. */
static uint64_t share_of(uint64_t x, uint64_t part, uint64_t whole)
{
	return x / whole * part + x % whole * part / whole;
}

/* Likelihood times 1/1024 us a page. What is more than any machine saves is one and the same. */
static uint64_t worth(const struct pack_choice *c)
{
	uint64_t saving = MIN(c->saving_us, UINT64_MAX >> 10) << 10, ret;

	if (c->n_new_pages == 0)
		return UINT64_MAX;
	return __builtin_mul_overflow(saving / c->n_new_pages, c->weight, &ret)
		       ? UINT64_MAX - 1
		       : ret;
}

static void judge(struct pack_launch *l)
{
	struct pack_choice *c = &l->choice;

	/* Reading what it is missing takes its share of what reading all of it takes. */
	if (c->n_pages > 0)
		c->reading_us = share_of(l->reading_us, c->n_new_pages, c->n_pages);
	l->worth = worth(c);
	/* At most a day: 2^33. */
	if (c->n_new_pages > 0 && l->time_s > 0 && l->time_s != LAUNCHES_NEVER)
		l->worth /= (uint64_t)l->time_s * l->time_s;
}

/* The total order: nothing is left to chance, so equal input makes equal packs. */
static bool is_better(const struct pack *p, uint32_t a, uint32_t b)
{
	const struct pack_launch *la = &p->launches[a], *lb = &p->launches[b];

	if (la->choice.boot != lb->choice.boot)
		return la->choice.boot;
	if (la->choice.boot && boot_order(la) != boot_order(lb))
		return boot_order(la) < boot_order(lb);
	if (la->choice.always != lb->choice.always)
		return la->choice.always;
	if ((la->time_s == LAUNCHES_NEVER) != (lb->time_s == LAUNCHES_NEVER))
		return lb->time_s == LAUNCHES_NEVER;
	if (la->worth != lb->worth)
		return la->worth > lb->worth;
	return a < b; /* by name, see pack_choose() */
}

static void heap_put(struct choice *c, uint32_t place, uint32_t launch)
{
	c->heap[place] = launch;
	c->p->launches[launch].heap_place = place;
}

static void heap_rise(struct choice *c, uint32_t launch)
{
	uint32_t place = c->p->launches[launch].heap_place;

	while (place > 0 && is_better(c->p, launch, c->heap[(place - 1) / 2])) {
		heap_put(c, place, c->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	heap_put(c, place, launch);
}

static void heap_sink(struct choice *c, uint32_t launch, uint32_t place)
{
	for (uint32_t child; (child = 2 * place + 1) < c->n_heap; place = child) {
		if (child + 1 < c->n_heap &&
		    is_better(c->p, c->heap[child + 1], c->heap[child]))
			child++;
		if (is_better(c->p, launch, c->heap[child]))
			break;
		heap_put(c, place, c->heap[child]);
	}
	heap_put(c, place, launch);
}

static void heap_add(struct choice *c, uint32_t launch)
{
	c->p->launches[launch].heap_place = c->n_heap++;
	heap_rise(c, launch);
}

static uint32_t heap_take(struct choice *c)
{
	uint32_t best = c->heap[0], last = c->heap[--c->n_heap];

	if (c->n_heap > 0)
		heap_sink(c, last, 0);
	c->p->launches[best].heap_place = SHADOW_NONE;
	return best;
}

static enum pack_verdict fits(const struct choice *c, const struct pack_launch *l)
{
	if (l->choice.n_new_pages > c->n_pages)
		return PACK_OVER_BUDGET;
	return l->choice.reading_us > c->us ? PACK_OVER_TIME : PACK_TAKEN;
}

static void bring_part(struct choice *c, uint32_t part, uint32_t rank)
{
	const struct pack_shares *s = &c->shares;

	if (c->p->bringer[part] != SHADOW_NONE)
		return;
	c->p->bringer[part] = rank;
	for (uint32_t i = s->first[part]; i < s->first[part + 1]; i++) {
		struct pack_launch *user = &c->p->launches[s->users[i]];

		user->choice.n_new_pages -= s->pages[part];
		if (!user->touched)
			c->touched[c->n_touched++] = s->users[i];
		user->touched = true;
	}
}

/*
 * What did not fit will not fit now either: what it is missing has become no more less than
 * the budget has. It is judged for those who want to know how near it was.
 */
static void judge_touched(struct choice *c)
{
	for (uint32_t i = 0; i < c->n_touched; i++) {
		struct pack_launch *l = &c->p->launches[c->touched[i]];

		l->touched = false;
		judge(l);
		if (l->heap_place != SHADOW_NONE)
			heap_rise(c, c->touched[i]);
	}
	c->n_touched = 0;
}

static void take(struct choice *c, uint32_t launch)
{
	struct pack_launch *l = &c->p->launches[launch];
	struct pack_choice as_taken = l->choice;
	uint32_t rank = (uint32_t)c->p->n_taken++;

	c->p->order[rank] = launch;
	c->n_pages -= as_taken.n_new_pages;
	c->us -= as_taken.reading_us;
	for (uint32_t k = 0; k < l->n_extents; k++) {
		const struct pack_extent *e = &c->p->extents[l->first_extent + k];

		for (uint32_t part = 0; part < e->n_parts; part++)
			bring_part(c, e->first_part + part, rank);
	}
	judge_touched(c);
	l->choice = as_taken;
}

/* Those that have no verdict against them yet, the best one first, as far as they fit. */
static void take_all(struct choice *c)
{
	struct pack *p = c->p;

	for (uint32_t i = 0; i < p->n_launches; i++) {
		judge(&p->launches[i]);
		if (pack_is_candidate(&p->launches[i]))
			heap_add(c, i);
	}
	while (c->n_heap > 0) {
		uint32_t best = heap_take(c);

		p->launches[best].choice.verdict = fits(c, &p->launches[best]);
		if (p->launches[best].choice.verdict == PACK_TAKEN)
			take(c, best);
	}
}

/* ---- the order of reading ---- */

/*
 * Of two that follow each other, the one that is read first delays the other by the time that
 * its pages take. That costs what the other one saves, if it is launched just then. How likely
 * is that? A launch comes about the time at which it came in other boots, and the likelier the
 * longer it has been waited for: with a hazard that grows with time (Rayleigh's distribution)
 * it is weight / time^2, but for a factor that both share. So the one with more weight x saving
 * / pages / time^2 comes first (Smith's rule for jobs on one machine). By time alone, a large
 * program that is launched first would make all small ones of the same minute late; by worth
 * alone it would be read after those of the next hour. What half of the boots do not launch
 * has no time, and comes last. Seconds leave more than enough of a worth below the fraction.
 */
static uint32_t time_of(const struct launch_habit *h)
{
	return h->after_ms == LAUNCHES_NEVER ? LAUNCHES_NEVER : MAX(h->after_ms / 1000, 1u);
}

/*
 * On a disk that seeks, launches that follow each other are one sweep, as many as take it
 * about SWEEP_US: each sweep more goes all the way over the disk again, and one sweep of all
 * would have nothing complete before its end. What has no time is one, the last.
 */
static void cut_sweeps(struct pack *p)
{
	uint64_t us = 0;
	uint32_t sweep = 0;

	for (uint32_t rank = 0; rank < p->n_taken; rank++) {
		struct pack_launch *l = &p->launches[p->order[rank]];
		bool timed = !l->choice.boot && l->time_s != LAUNCHES_NEVER;

		if (us >= SWEEP_US) {
			sweep++;
			us = 0;
		}
		l->sweep = l->choice.boot ? 0 : timed ? sweep : UINT32_MAX;
		us += timed ? l->choice.reading_us : 0;
	}
}

/* The same again with what was taken, all of which fits. */
static void order_for_reading(struct choice *c)
{
	struct pack *p = c->p;

	for (uint32_t i = 0; i < p->n_launches; i++) {
		struct pack_launch *l = &p->launches[i];

		l->choice.n_new_pages = l->choice.n_pages;
		if (l->choice.verdict == PACK_TAKEN)
			l->time_s = time_of(&l->choice.habit);
	}
	for (uint32_t part = 0; part < p->n_parts; part++)
		p->bringer[part] = SHADOW_NONE;
	p->n_taken = 0;
	c->n_pages = c->us = UINT64_MAX;
	take_all(c);
	cut_sweeps(p);
}

static int choose(struct choice *c)
{
	struct pack *p = c->p;
	int r = pack_find_shares(p, &c->shares);

	if (r < 0)
		return r;
	c->heap = calloc(p->n_launches + 1, sizeof(*c->heap));
	c->touched = calloc(p->n_launches + 1, sizeof(*c->touched));
	if (!c->heap || !c->touched)
		return -ENOMEM;
	take_all(c);
	order_for_reading(c);
	return 0;
}

static int compare_left_out(const void *pa, const void *pb, void *pack)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	const struct pack *p = pack;
	enum pack_verdict va = MAX(p->launches[a].choice.verdict, PACK_OVER_TIME);
	enum pack_verdict vb = MAX(p->launches[b].choice.verdict, PACK_OVER_TIME);

	if (va != vb) /* the two budgets are one reason */
		return va < vb ? -1 : 1;
	return is_better(p, a, b) ? -1 : 1;
}

/* The others behind those that were taken. */
static void list_left_out(struct pack *p)
{
	size_t n = p->n_taken;

	for (uint32_t i = 0; i < p->n_launches; i++)
		if (p->launches[i].choice.verdict != PACK_TAKEN)
			p->order[n++] = i;
	qsort_r(p->order + p->n_taken, n - p->n_taken, sizeof(*p->order), compare_left_out,
		p);
}

int pack_choose(struct pack *p)
{
	_cleanup_(choice_done) struct choice c = {
		.p = p,
		.n_pages = p->options.budget_bytes / PAGE_BYTES,
		.us = p->options.budget_us ? p->options.budget_us : UINT64_MAX,
	};
	int r;

	p->order = calloc(p->n_launches + 1, sizeof(*p->order));
	if (!p->order)
		return -ENOMEM;
	/* The vendor's order, which decides between equals, is that of the names. */
	if (p->n_launches > 0)
		qsort(p->launches, p->n_launches, sizeof(*p->launches), compare_names);
	count_pages(p);
	choose_all_scenarios(p);
	derive_boot(p);
	r = pack_cut(p);
	if (r == 0)
		r = choose(&c);
	if (r == 0)
		list_left_out(p);
	return r;
}

uint64_t pack_budget_bytes(const struct pack *p)
{
	return p->options.budget_bytes;
}

size_t pack_count(const struct pack *p)
{
	return p->n_launches;
}

const struct pack_choice *pack_get(const struct pack *p, size_t i)
{
	return &p->launches[p->order[i]].choice;
}
