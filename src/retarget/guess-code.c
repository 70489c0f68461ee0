/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From functions to pages. That a page was needed says that one of the functions on it was, not
 * which: a function that begins on a page that was not needed is not it; of the others each
 * may be, the longer ones rather, and where all around is needed more than one.
 */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "guess.h"
#include "macro.h"
#include "mul-div.h"
#include "search.h"

enum { AROUND = 8 };
/* So many bytes each function has more when they are weighed: short ones are executed, too. */
enum { EVEN = 1024 };
/* What is left of the evidence of a function that was not found, around where it would be. */
#define LOST 3u

/* Where functions on a page are known to have run, others may have been needed as well, of 16. */
enum { GOES_ON = 11, UNKNOWN = 2, UNKNOWN_LEAD = 5 };

/*
 * Of 16 pairs of files, those of the same program had 38 percent (gcc 12's cc1 and gcc 14's) and
 * more, unrelated ones 4 to 23.
 */
enum { MIN_COVERAGE = 25 };

/* How many functions of a needed page were, at a guess: more where its neighbours were, too. */
static unsigned n_needed(const struct guesses *g, uint32_t pgno)
{
	unsigned n = 0;

	for (uint32_t i = pgno - MIN(pgno, (uint32_t)AROUND); i <= pgno + AROUND; i++)
		n += i != pgno && guess_old_run(g, i) != NULL;
	return 1 + (5 * n + AROUND) / (2 * AROUND);
}

/* 1 - (1 - p)^n */
static uint32_t at_least_once(uint32_t p, unsigned n)
{
	uint64_t miss = SURE;

	for (; n > 0; n--)
		miss = miss * (SURE - p) / SURE;
	return SURE - (uint32_t)miss;
}

/* The part of unit U on page P, as offsets in U. */
struct part {
	uint64_t from, until;
};

static struct part part_on(const struct old_unit *u, uint32_t pgno, bool is_last)
{
	uint64_t start = (uint64_t)pgno * PAGE_BYTES, end = start + PAGE_BYTES;
	struct part p = { start > u->off ? start - u->off : 0,
			  end > u->off ? end - u->off : 0 };

	/* Places within a page are estimates: a unit that ends on the page does so. */
	p.until = is_last ? MIN(p.until, u->bytes) : u->bytes;
	p.until = MAX(p.until, p.from + 1);
	return p;
}

/* Unit U may have been needed on this page, where its bytes in P are. */
static void add_found(struct guesses *g, const struct old_unit *u, struct part p,
		      uint32_t probability, const struct page_run *run)
{
	const struct unit *to = &g->to->units[u->to];
	/* As if it had its size still, where it may have: what is far inside it is not to move. */
	uint64_t old_bytes = unit_code_bytes_near(u->code, to->bytes), from, until, off,
		 end;
	uint64_t bytes;

	old_bytes = MAX(old_bytes, p.until);
	from = to->off + mul_div(p.from, to->bytes, old_bytes);
	until = to->off + mul_div(p.until, to->bytes, old_bytes);
	until = MAX(until, from + 1);
	bytes = MIN(until - from, PAGE_BYTES);
	for (off = from; off < until; off = end) {
		uint32_t here = probability;

		end = MIN((off / PAGE_BYTES + 1) * PAGE_BYTES, until);
		/* Where it begins it was entered; how far that led is open. */
		if (off > to->off && end - off < bytes)
			here = (uint32_t)(here * (end - off) / bytes);
		guess_add(g, off, here, run);
	}
}

/* Where a unit that was not found would be: behind the last one before it that was. */
static bool place_lost(const struct guesses *g, const struct old_code *c, size_t i,
		       uint64_t *ret)
{
	const struct old_unit *u = c->units;
	size_t before = i, after = i;
	uint64_t start, room;

	while (before > 0 && u[before].to == ALIGN_NONE && i - before < 4 * AROUND)
		before--;
	while (after + 1 < c->n_units && u[after].to == ALIGN_NONE &&
	       after - i < 4 * AROUND)
		after++;
	if (u[before].to == ALIGN_NONE && u[after].to == ALIGN_NONE)
		return false;
	if (u[before].to != ALIGN_NONE) {
		start = g->to->units[u[before].to].off;
		room = u[i].off - MIN(u[i].off, u[before].off);
		*ret = start + room;
		if (u[after].to != ALIGN_NONE)
			*ret = MIN(*ret, g->to->units[u[after].to].off);
		return true;
	}
	start = g->to->units[u[after].to].off;
	room = u[after].off - MIN(u[after].off, u[i].off);
	*ret = start - MIN(start, room);
	return true;
}

static void add_unit(struct guesses *g, const struct old_code *c, size_t i, struct part p,
		     uint32_t probability, const struct page_run *run)
{
	const struct old_unit *u = &c->units[i];
	uint64_t place;

	if (u->to != ALIGN_NONE)
		add_found(g, u, p, (uint32_t)((uint64_t)probability * u->sure / ALIGN_SURE),
			  run);
	else if (place_lost(g, c, i, &place))
		guess_add(g, place + p.from, probability * LOST / 8, run);
}

/* What speaks for unit I of a page: its bytes there, unless it begins where nothing was needed. */
static uint64_t weight(const struct guesses *g, const struct old_unit *u,
		       const struct old_page *page, struct part p)
{
	uint32_t entry = (uint32_t)(u->off / PAGE_BYTES), last, n = 0;
	uint64_t w;

	if (entry != page->pgno && !guess_old_run(g, entry))
		return 0;
	w = p.until - p.from + EVEN;
	last = (uint32_t)MIN((u->off + u->bytes - 1) / PAGE_BYTES, (uint64_t)entry + 16);
	for (uint32_t k = entry; k <= last; k++)
		n += k == page->pgno || guess_old_run(g, k);
	/* Where it goes on to pages that were not needed, it may not have been, either. */
	return n > last - entry ? w : w * n / (last - entry + 1) / 2 + 1;
}

/*
 * How likely unit U of a page was needed there, of SURE: where a function that ran begins it was. One that goes
 * on there may have been, where others on it ran; else it was. 0: it was not, or nothing is known.
 */
static uint32_t needed_by_running(const struct guesses *g, const struct old_unit *u,
				  const struct old_page *page, bool others_ran)
{
	uint32_t entry = (uint32_t)(u->off / PAGE_BYTES);
	bool begins = entry >= page->pgno;

	if (u->ran == RAN)
		return begins || !others_ran ? SURE : SURE * GOES_ON / 16;
	if (u->ran == RAN_NOT)
		return 0;
	return begins || !guess_old_run(g, entry) ? SURE * UNKNOWN / 16
						  : SURE * UNKNOWN_LEAD / 16;
}

/* False: none of the functions is known to have run, and yet the page was needed. */
static bool add_running(struct guesses *g, const struct old_code *c,
			const struct old_page *page, const struct page_run *run)
{
	const struct old_unit *u = &c->units[page->first];
	unsigned n_begin = 0, n_ran = 0;

	for (size_t i = 0; i < page->n; i++) {
		n_begin += u[i].ran == RAN && u[i].off / PAGE_BYTES >= page->pgno;
		n_ran += u[i].ran == RAN;
	}
	for (size_t i = 0; n_ran && i < page->n; i++) {
		uint32_t p = needed_by_running(g, &u[i], page, n_begin > 0);

		if (p)
			add_unit(g, c, page->first + i,
				 part_on(&u[i], page->pgno, i + 1 == page->n), p, run);
	}
	return n_ran > 0;
}

static void add_page(struct guesses *g, const struct old_code *c,
		     const struct old_page *page)
{
	const struct page_run *run = guess_old_run(g, page->pgno);
	unsigned n = n_needed(g, page->pgno);
	uint64_t sum = 0, w;

	if (!run || add_running(g, c, page, run))
		return;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < page->n; i++) {
			const struct old_unit *u = &c->units[page->first + i];
			struct part p = part_on(u, page->pgno, i + 1 == page->n);

			w = page->n == 1 ? 1 : weight(g, u, page, p);
			if (pass == 0)
				sum += w;
			else if (w)
				add_unit(g, c, page->first + i, p,
					 at_least_once((uint32_t)(w * SURE / sum), n), run);
		}
}

static unsigned coverage(const struct old_code *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->n_units; i++)
		sum += c->units[i].sure;
	return c->n_units ? (unsigned)(sum * 100 / (c->n_units * ALIGN_SURE)) : 0;
}

int guess_code(struct guesses *g)
{
	struct old_code c;
	int r = old_code_make(g->from, &c);

	if (r < 0)
		return r;
	if (c.n_units && g->to->n_units)
		r = align_code(&c, g->to);
	g->coverage = coverage(&c);
	g->has_code = g->coverage >= MIN_COVERAGE;
	for (size_t i = 0; r == 0 && g->has_code && i < c.n_pages; i++)
		add_page(g, &c, &c.pages[i]);
	if (r == 0 && g->has_code)
		r = guess_references(g, &c);
	old_code_done(&c);
	return r;
}
