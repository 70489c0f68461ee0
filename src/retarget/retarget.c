/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "guess.h"
#include "macro.h"
#include "retarget.h"
#include "search.h"

/* Pages that are wrong so often are worse than none. */
#define MIN_CONFIDENCE 50u
/* Pages that are less likely needed are not taken, of SURE. */
#define TAKE_FROM      (SURE * 3 / 10)
/* Where it is known which functions ran, they are needed so often that more can be taken at the same price. */
#define TAKE_RUNNING   (SURE * 3 / 20)

void retargeted_done(struct retargeted *r)
{
	pageset_done(&r->pages);
	*r = (struct retargeted){ 0 };
}

/* ---- evidence ---- */

const struct page_run *guess_old_run(const struct guesses *g, uint32_t pgno)
{
	const struct page_run *runs = g->old->runs;
	size_t i = SEARCH_FIRST(k, g->old->n_runs,
				runs[k].first_pgno + runs[k].n_pages <= pgno);

	return i < g->old->n_runs && runs[i].first_pgno <= pgno ? &runs[i] : NULL;
}

static void note_run(struct guess *p, const struct page_run *run)
{
	p->when = p->runs ? MIN(p->when, run->when) : run->when;
	p->runs = MAX(p->runs, run->runs);
}

void guess_add(struct guesses *g, uint64_t off, uint32_t probability,
	       const struct page_run *run)
{
	struct guess *p;

	if (off / PAGE_BYTES >= g->n_pages || probability == 0)
		return;
	p = &g->pages[off / PAGE_BYTES];
	p->miss = (uint32_t)((uint64_t)p->miss * (SURE - probability) / SURE);
	note_run(p, run);
}

void guess_cover(struct guesses *g, uint64_t off, uint64_t bytes, unsigned share,
		 const struct page_run *run)
{
	uint64_t end = off + bytes, next;

	for (; off < end && off / PAGE_BYTES < g->n_pages; off = next) {
		struct guess *p = &g->pages[off / PAGE_BYTES];

		next = MIN((off / PAGE_BYTES + 1) * PAGE_BYTES, end);
		p->covered = (uint32_t)MIN(p->covered + (next - off) * share / GUESS_ALL,
					   (uint64_t)PAGE_BYTES);
		note_run(p, run);
	}
}

/* ---- what comes of it ---- */

/* Bytes of page PGNO that sections have, and of what kind most are. */
static uint32_t section_bytes(const struct layout *l, uint64_t start,
			      enum section_kind *ret_kind)
{
	uint64_t end = start + PAGE_BYTES, most = 0, sum = 0;
	size_t i = SEARCH_FIRST(k, l->n_sections,
				l->sections[k].off + l->sections[k].bytes <= start);

	*ret_kind = SECTION_TAIL;
	for (; i < l->n_sections && l->sections[i].off < end; i++) {
		const struct section *s = &l->sections[i];
		uint64_t bytes = MIN(end, s->off + s->bytes) - MAX(start, s->off);

		sum += bytes;
		if (bytes > most)
			*ret_kind = s->kind;
		most = MAX(most, bytes);
	}
	return (uint32_t)sum;
}

/* Of SURE. */
static uint32_t probability(const struct guesses *g, size_t pgno)
{
	const struct guess *p = &g->pages[pgno];
	enum section_kind kind;
	uint32_t bytes = section_bytes(g->to, (uint64_t)pgno * PAGE_BYTES, &kind), by_place;

	if (!p->covered || !bytes)
		return SURE - p->miss;
	by_place = (uint32_t)MIN((uint64_t)p->covered * SURE / bytes, (uint64_t)SURE);
	/* Of unwind tables few pages are needed, here and there. */
	if (kind == SECTION_UNWIND && by_place < SURE / 2)
		by_place = 0;
	return SURE - (uint32_t)((uint64_t)p->miss * (SURE - by_place) / SURE);
}

static int take_pages(const struct guesses *g, struct retargeted *ret)
{
	uint32_t from = g->from->ran && g->has_code ? TAKE_RUNNING : TAKE_FROM;
	uint64_t sum = 0, n = 0;

	for (size_t i = 0; i < g->n_pages; i++) {
		const struct guess *p = &g->pages[i];
		uint32_t sure = p->runs ? probability(g, i) : 0;
		int r;

		if (sure < from)
			continue;
		r = pageset_append(&ret->pages,
				   &(struct page_run){ (uint32_t)i, 1, p->runs, p->when });
		if (r < 0)
			return r;
		sum += sure;
		n++;
	}
	ret->confidence = n ? (unsigned)(sum * 100 / (n * SURE)) : 0;
	ret->coverage = g->coverage;
	if (ret->confidence < MIN_CONFIDENCE)
		pageset_done(&ret->pages);
	return 0;
}

static int take_same(const struct pageset *old, uint64_t bytes, struct retargeted *ret)
{
	static const struct pageset none;
	int r = pageset_merge(old, &none, &ret->pages);

	ret->is_same = true;
	ret->confidence = ret->coverage = 100;
	pageset_clip(&ret->pages, (uint32_t)DIV_ROUND_UP(bytes, PAGE_BYTES));
	return r;
}

/* 0: it is another program. */
static int guess_all(struct guesses *g, const char *path)
{
	int r = guess_sort_pieces(g);

	if (r == 0)
		r = guess_is_kin(g, path);
	if (r <= 0)
		return r;
	g->n_pages = DIV_ROUND_UP(g->to->file_bytes, PAGE_BYTES);
	g->pages = calloc(g->n_pages + 1, sizeof(*g->pages));
	if (!g->pages)
		return -ENOMEM;
	for (size_t i = 0; i < g->n_pages; i++)
		g->pages[i].miss = SURE;
	r = guess_code(g);
	if (r == 0)
		r = guess_data(g);
	return r < 0 ? r : 1;
}

int retarget_pages(const struct fingerprint *f, const struct pageset *old, const char *path,
		   const struct layout *to, struct retargeted *ret)
{
	struct guesses g = { .from = f, .old = old, .to = to };
	int r;

	*ret = (struct retargeted){ 0 };
	if (to->file_bytes > LIMIT_RETARGET_BYTES)
		return -E2BIG;
	if (f->content_hash == to->content_hash)
		return take_same(old, to->file_bytes, ret);
	r = guess_all(&g, path);
	ret->is_foreign = r == 0;
	if (r > 0)
		r = take_pages(&g, ret);
	free(g.pieces);
	free(g.pages);
	if (r < 0)
		retargeted_done(ret);
	return r;
}
