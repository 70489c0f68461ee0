/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages by the content that they have kept, and by their place: tables and relocated data grow
 * evenly, or are needed as a whole anyway.
 */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "guess.h"
#include "macro.h"
#include "mul-div.h"
#include "search.h"

/* ---- sections ---- */

static bool is_same(const struct section *x, const struct section *y)
{
	return x->kind == y->kind && x->name == y->name;
}

/* The one of that name; of several, the one that has as many before it. */
const struct section *guess_section(const struct guesses *g, const struct section *section)
{
	size_t before = 0;

	for (const struct section *x = g->from->sections; x < section; x++)
		before += is_same(x, section);
	for (size_t i = 0; i < g->to->n_sections; i++)
		if (is_same(&g->to->sections[i], section) && before-- == 0)
			return &g->to->sections[i];
	return NULL;
}

uint64_t guess_scale(const struct section *x, const struct section *y, uint64_t off)
{
	return y->off + mul_div(off - x->off, y->bytes, x->bytes);
}

/* ---- content ---- */

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

int guess_sort_pieces(struct guesses *g)
{
	g->pieces = calloc(g->to->n_pieces + 1, sizeof(*g->pieces));
	if (!g->pieces)
		return -ENOMEM;
	if (g->from->n_data == 0)
		return 0;
	if (g->to->n_pieces)
		memcpy(g->pieces, g->to->pieces, g->to->n_pieces * sizeof(*g->pieces));
	qsort(g->pieces, g->to->n_pieces, sizeof(*g->pieces), compare_pieces);
	return 0;
}

static size_t first_piece(const struct guesses *g, uint32_t hash)
{
	return SEARCH_FIRST(k, g->to->n_pieces, g->pieces[k].hash < hash);
}

bool guess_has_piece(const struct guesses *g, uint32_t hash)
{
	size_t i = first_piece(g, hash);

	return i < g->to->n_pieces && g->pieces[i].hash == hash;
}

/* The one piece with that hash, NULL: none, or several. */
static const struct piece *find_piece(const struct guesses *g, uint32_t hash)
{
	size_t i = first_piece(g, hash), n = g->to->n_pieces;
	const struct piece *p = g->pieces;

	if (i == n || p[i].hash != hash || (i + 1 < n && p[i + 1].hash == hash))
		return NULL;
	return &p[i];
}

/*
 * Each mark that stands in the new file says where the page's bytes would be; they speak for the
 * two pages that these fall on, as much as falls there. False: none does.
 */
static bool add_marks(struct guesses *g, const struct data_page *p,
		      const struct page_run *run)
{
	unsigned found = 0;

	for (size_t i = 0; i < p->n_marks; i++)
		found += find_piece(g, p->marks[i].hash) != NULL;
	for (size_t i = 0; i < p->n_marks; i++) {
		const struct piece *piece = find_piece(g, p->marks[i].hash);
		uint64_t back = 16u * p->marks[i].off_16, start, first;

		if (!piece)
			continue;
		start = piece->off - MIN(piece->off, back);
		first = PAGE_BYTES - start % PAGE_BYTES;
		guess_cover(g, start, first, GUESS_ALL / found, run);
		guess_cover(g, start + first, PAGE_BYTES - first, GUESS_ALL / found, run);
	}
	return found > 0;
}

static const struct data_page *find_data(const struct guesses *g, uint32_t pgno)
{
	const struct data_page *d = g->from->data;
	size_t i = SEARCH_FIRST(k, g->from->n_data, d[k].pgno < pgno);

	return i < g->from->n_data && d[i].pgno == pgno ? &d[i] : NULL;
}

static bool is_known_code(const struct guesses *g, uint32_t pgno)
{
	const struct code_page *c = g->from->code;
	size_t i = SEARCH_FIRST(k, g->from->n_code, c[k].pgno < pgno);

	return i < g->from->n_code && c[i].pgno == pgno;
}

/* ---- pages ---- */

/* What page PGNO has of section X, which is Y in the new file. */
static void add_part(struct guesses *g, uint32_t pgno, const struct section *x,
		     const struct section *y, const struct page_run *run)
{
	uint64_t start = (uint64_t)pgno * PAGE_BYTES, from, until;
	const struct data_page *d;

	if (x->kind == SECTION_CODE && g->has_code && is_known_code(g, pgno))
		return;
	if (x->kind == SECTION_DATA) {
		d = find_data(g, pgno);
		if (d && add_marks(g, d, run))
			return;
	}
	if (!y)
		return;
	from = guess_scale(x, y, MAX(start, x->off));
	until = guess_scale(x, y, MIN(start + PAGE_BYTES, x->off + x->bytes));
	/* Of code that is taken by its place, half is right. */
	guess_cover(g, from, MAX(until - from, 1),
		    x->kind == SECTION_CODE ? GUESS_ALL / 2 : GUESS_ALL, run);
}

static void add_page(struct guesses *g, uint32_t pgno, const struct section *const *pairs,
		     const struct page_run *run)
{
	uint64_t start = (uint64_t)pgno * PAGE_BYTES;
	const struct section *s = g->from->sections;
	size_t n = g->from->n_sections;
	size_t i = SEARCH_FIRST(k, n, s[k].off + s[k].bytes <= start);

	for (; i < n && s[i].off < start + PAGE_BYTES; i++)
		add_part(g, pgno, &s[i], pairs[i], run);
}

int guess_data(struct guesses *g)
{
	_cleanup_free_ const struct section **pairs =
		calloc(g->from->n_sections + 1, sizeof(*pairs));

	if (!pairs)
		return -ENOMEM;
	for (size_t i = 0; i < g->from->n_sections; i++)
		pairs[i] = guess_section(g, &g->from->sections[i]);
	for (size_t i = 0; i < g->old->n_runs; i++) {
		const struct page_run *run = &g->old->runs[i];

		for (uint32_t k = 0; k < run->n_pages; k++)
			add_page(g, run->first_pgno + k, pairs, run);
	}
	return 0;
}
