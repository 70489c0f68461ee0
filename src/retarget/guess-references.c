/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts and tables are sorted anew from one release to the next, and then no content is found at its place; but
 * whose they are is known, and of what a function refers to often, whether it was needed.
 */
#include <errno.h>
#include <stdlib.h>

#include "bounds.h"
#include "guess.h"
#include "macro.h"

/*
 * How likely, of 16, a reference leads to a needed page, where nothing of the content is found: if it did so, and where that is
 * not so clear; if nothing is known of it, of so many.
 */
enum { DID = 12, MAY = 10, LIKELY = 8, FEW = 4 };

/* So many are looked at: of a file that is made so, all old functions may lead to one that has millions. */
#define MOST 4096u

/* The references of one function, N of them, and what is known of it. */
struct referring {
	const struct reference *references;
	size_t n, n_pages;		    /* one after the other */
	const struct ran_references *known; /* NULL: nothing */
	size_t n_needed;
};

static bool did(const struct ran_references *x, size_t i)
{
	return x->needed[i / 8] >> i % 8 & 1;
}

static struct referring referring(const struct layout *l, const struct old_unit *u)
{
	size_t first = layout_references_of(l, u->to);
	struct referring f = { .known = u->references };

	if (first < l->n_references)
		f.references = &l->references[first];
	for (;
	     f.n < MOST && first + f.n < l->n_references && f.references[f.n].from == u->to;
	     f.n++)
		f.n_pages +=
			f.n == 0 || f.references[f.n].pgno != f.references[f.n - 1].pgno;
	for (size_t i = 0; f.known && i < f.known->n; i++)
		f.n_needed += did(f.known, i);
	return f;
}

/*
 * How likely reference I leads to a needed page, of SURE, where LOST of the content is not found. There may be others now: it is
 * the same one by number, from the last on, and in proportion, or not known.
 */
static uint32_t likely(const struct referring *f, size_t i, uint32_t lost)
{
	const struct ran_references *x = f->known;
	size_t behind;

	if (!x)
		return lost / 16 * LIKELY * FEW / (uint32_t)MAX(f->n_pages, (size_t)FEW);
	if (x->n == f->n)
		return did(x, i) ? lost / 16 * DID : 0;
	behind = f->n - i < x->n ? x->n - (f->n - i) : 0;
	if (!did(x, MIN(i, x->n - (size_t)1)) || !did(x, behind) ||
	    !did(x, i * x->n / f->n))
		return 0;
	return (uint32_t)(lost / 16 * MAY * MIN(f->n_needed, f->n) / f->n);
}

/* BEST: of each page zero, and so again. */
static void add_references(struct guesses *g, const struct old_unit *u, uint32_t *best)
{
	const struct page_run *run = guess_old_run(g, (uint32_t)(u->off / PAGE_BYTES));
	struct referring f = referring(g->to, u);

	if (!run)
		return;
	/* A page counts once. */
	for (size_t i = 0; i < f.n; i++) {
		uint32_t *p = &best[f.references[i].pgno];

		*p = MAX(*p, likely(&f, i, g->lost));
	}
	for (size_t i = 0; i < f.n; i++) {
		uint32_t pgno = f.references[i].pgno;

		guess_add(g, (uint64_t)pgno * PAGE_BYTES,
			  (uint32_t)((uint64_t)best[pgno] * u->sure / ALIGN_SURE), run);
		best[pgno] = 0;
	}
}

int guess_references(struct guesses *g, const struct old_code *c)
{
	_cleanup_free_ uint32_t *best = calloc(g->n_pages + 1, sizeof(*best));

	if (!best)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_units; i++)
		if (c->units[i].ran == RAN && c->units[i].to != ALIGN_NONE)
			add_references(g, &c->units[i], best);
	return 0;
}
