/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts and tables are sorted anew from one release to the next, and then no content is found at its place; but
 * whose they are is known.
 */
#include "bounds.h"
#include "guess.h"
#include "macro.h"

/* Of a function that refers to so many pages each may be needed; of more, so many. */
enum { FEW = 4 };
/* How likely, of 16, where nothing of the content is found. */
enum { LIKELY = 8 };

static void add_references(struct guesses *g, const struct old_unit *u, uint32_t likely)
{
	const struct page_run *run = guess_old_run(g, (uint32_t)(u->off / PAGE_BYTES));
	const struct reference *r = g->to->references;
	size_t first = layout_references_of(g->to, u->to), end = first;
	uint32_t p = (uint32_t)((uint64_t)likely * u->sure / ALIGN_SURE);

	while (end < g->to->n_references && r[end].from == u->to)
		end++;
	if (end - first > FEW)
		p = (uint32_t)(p * FEW / (end - first));
	for (size_t i = first; run && i < end; i++)
		guess_add(g, (uint64_t)r[i].pgno * PAGE_BYTES, p, run);
}

void guess_references(struct guesses *g, const struct old_code *c)
{
	uint32_t likely = (SURE - guess_marks_found(g)) / 16 * LIKELY;

	for (size_t i = 0; i < c->n_units; i++)
		if (c->units[i].ran == RAN && c->units[i].to != ALIGN_NONE)
			add_references(g, &c->units[i], likely);
}
