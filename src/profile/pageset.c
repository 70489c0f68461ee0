/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "macro.h"
#include "pageset.h"
#include "vec.h"

void pageset_done(struct pageset *s)
{
	free(s->runs);
	*s = (struct pageset){ 0 };
}

static uint32_t run_end(const struct page_run *r)
{
	return r->first_pgno + r->n_pages;
}

int pageset_append(struct pageset *s, const struct page_run *run)
{
	struct page_run *last = s->n_runs ? &s->runs[s->n_runs - 1] : NULL;
	uint32_t end;

	if (run->n_pages == 0 ||
	    __builtin_add_overflow(run->first_pgno, run->n_pages, &end))
		return -EINVAL;
	if (last && run->first_pgno < run_end(last))
		return -EINVAL;
	if (last && run->first_pgno == run_end(last) && run->runs == last->runs &&
	    run->when == last->when) {
		last->n_pages += run->n_pages;
		return 0;
	}
	if (VEC_RESERVE_ONE(s->runs, s->n_runs, s->capacity) < 0)
		return -ENOMEM;
	s->runs[s->n_runs++] = *run;
	return 0;
}

/* A position in a pageset while two of them are walked in step. */
struct cursor {
	const struct pageset *set;
	size_t i;
	uint32_t pgno; /* the part of the current run below it is done */
};

static const struct page_run *cursor_run(const struct cursor *c)
{
	return c->i < c->set->n_runs ? &c->set->runs[c->i] : NULL;
}

static uint32_t cursor_first(const struct cursor *c)
{
	const struct page_run *r = cursor_run(c);

	return r ? MAX(r->first_pgno, c->pgno) : UINT32_MAX;
}

/* Everything below PGNO is done. */
static void cursor_advance(struct cursor *c, uint32_t pgno)
{
	c->pgno = pgno;
	while (cursor_run(c) && run_end(cursor_run(c)) <= pgno)
		c->i++;
}

int pageset_merge(const struct pageset *a, const struct pageset *b, struct pageset *ret)
{
	struct cursor ca = { .set = a }, cb = { .set = b };
	int r = 0;

	while (r == 0 && (cursor_run(&ca) || cursor_run(&cb))) {
		const struct page_run *ra = cursor_run(&ca), *rb = cursor_run(&cb);
		uint32_t fa = cursor_first(&ca), fb = cursor_first(&cb);
		struct page_run run = { .first_pgno = MIN(fa, fb), .when = UINT32_MAX };
		uint32_t end = UINT32_MAX;

		/* One stretch to which the same runs of A and B contribute. */
		if (ra) {
			end = MIN(end, fa == run.first_pgno ? run_end(ra) : fa);
			if (fa == run.first_pgno) {
				run.runs = ra->runs;
				run.when = ra->when;
			}
		}
		if (rb) {
			end = MIN(end, fb == run.first_pgno ? run_end(rb) : fb);
			if (fb == run.first_pgno) {
				if (__builtin_add_overflow(run.runs, rb->runs, &run.runs))
					run.runs = UINT32_MAX;
				run.when = MIN(run.when, rb->when);
			}
		}
		run.n_pages = end - run.first_pgno;
		r = pageset_append(ret, &run);
		cursor_advance(&ca, end);
		cursor_advance(&cb, end);
	}
	return r;
}

void pageset_clip(struct pageset *s, uint32_t n_pages)
{
	while (s->n_runs && s->runs[s->n_runs - 1].first_pgno >= n_pages)
		s->n_runs--;
	if (s->n_runs && run_end(&s->runs[s->n_runs - 1]) > n_pages)
		s->runs[s->n_runs - 1].n_pages =
			n_pages - s->runs[s->n_runs - 1].first_pgno;
}

uint64_t pageset_count(const struct pageset *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n_runs; i++)
		n += s->runs[i].n_pages;
	return n;
}

uint32_t pageset_end(const struct pageset *s)
{
	return s->n_runs ? run_end(&s->runs[s->n_runs - 1]) : 0;
}

bool pageset_equal(const struct pageset *a, const struct pageset *b)
{
	if (a->n_runs != b->n_runs)
		return false;
	for (size_t i = 0; i < a->n_runs; i++) {
		const struct page_run *x = &a->runs[i], *y = &b->runs[i];

		if (x->first_pgno != y->first_pgno || x->n_pages != y->n_pages ||
		    x->runs != y->runs || x->when != y->when)
			return false;
	}
	return true;
}

/*
 * Ends of the buckets: 1000 us, then each rounded down to a whole microsecond from the one
 * before times 5/4. Integers only, so that every machine agrees on every bucket.
 */
uint64_t when_end_us(uint32_t when)
{
	uint64_t end = 1000;

	for (uint32_t i = 0; i < MIN(when, LIMIT_WHEN); i++)
		end += end / 4;
	return end;
}

uint32_t when_from_us(uint64_t us)
{
	uint64_t end = 1000;
	uint32_t when = 0;

	while (us >= end && when < LIMIT_WHEN) {
		end += end / 4;
		when++;
	}
	return when;
}
