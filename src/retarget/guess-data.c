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

/*
 * What functions that ran refer to is known by these as well (guess-references.c): where much of the content is lost
 * (a quarter and more), and none of them leads to where some is found, two in five are needed there.
 */
static unsigned share_of(const struct guesses *g, const struct data_page *d)
{
	return d && d->is_referred
		       ? GUESS_ALL - GUESS_ALL * 7 / 12 * MIN(4 * g->lost, SURE) / SURE
		       : GUESS_ALL;
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

/*
 * A page whose content has changed is looked for beside one that has kept some: so many away at most, and
 * a share of its section. In a section where that is less than a few its place in proportion is as good.
 */
enum { BESIDE_PAGES = 32, BESIDE_SHARE = 16, BESIDE_FEW = 4 };

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
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

/* How many of the marks of needed pages do not stand once in the new file. */
static uint32_t lost(const struct guesses *g)
{
	uint64_t n = 0, found = 0;

	for (size_t i = 0; i < g->from->n_data; i++)
		for (size_t k = 0; k < g->from->data[i].n_marks; k++, n++)
			found += find_piece(g, g->from->data[i].marks[k].hash) != NULL;
	return n ? SURE - (uint32_t)(found * SURE / n) : 0;
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
	g->lost = lost(g);
	return 0;
}

/*
 * Each mark that stands in the new file says where the page's bytes would be; they speak for the
 * two pages that these fall on, as much as falls there. False: none does.
 */
static bool add_marks(struct guesses *g, const struct data_page *p,
		      const struct page_run *run)
{
	unsigned found = 0, all = share_of(g, p);

	for (size_t i = 0; i < p->n_marks; i++)
		found += find_piece(g, p->marks[i].hash) != NULL;
	for (size_t i = 0; i < p->n_marks; i++) {
		const struct piece *piece = find_piece(g, p->marks[i].hash);
		uint64_t back = 16u * p->marks[i].off_16, start, first;

		if (!piece)
			continue;
		start = piece->off - MIN(piece->off, back);
		first = PAGE_BYTES - start % PAGE_BYTES;
		guess_cover(g, start, first, all / found, run);
		guess_cover(g, start + first, PAGE_BYTES - first, all / found, run);
	}
	return found > 0;
}

static const struct data_page *find_data(const struct guesses *g, uint32_t pgno)
{
	const struct data_page *d = g->from->data;
	size_t i = SEARCH_FIRST(k, g->from->n_data, d[k].pgno < pgno);

	return i < g->from->n_data && d[i].pgno == pgno ? &d[i] : NULL;
}

/* Where the page of D starts in the new file by the marks that are there, their median. */
static bool place_of(const struct guesses *g, const struct data_page *d, uint64_t *ret)
{
	uint64_t starts[FINGERPRINT_MAX_MARKS];
	unsigned n = 0;

	for (size_t i = 0; d && i < d->n_marks; i++) {
		const struct piece *piece = find_piece(g, d->marks[i].hash);
		uint64_t back = 16u * d->marks[i].off_16, start;
		unsigned k = n;

		if (!piece)
			continue;
		start = piece->off - MIN(piece->off, back);
		for (; k > 0 && starts[k - 1] > start; k--)
			starts[k] = starts[k - 1];
		starts[k] = start;
		n++;
	}
	if (n > 0)
		*ret = starts[n / 2];
	return n > 0;
}

/* The same of page PGNO of section X, of which nothing is there, by the nearest one that is found. */
static bool place_beside(const struct guesses *g, const struct section *x, uint32_t pgno,
			 uint64_t *ret)
{
	uint64_t most = MIN(x->bytes / PAGE_BYTES / BESIDE_SHARE, (uint64_t)BESIDE_PAGES);
	uint64_t place;

	if (most < BESIDE_FEW)
		return false;
	for (uint32_t i = 1; i <= most; i++) {
		uint64_t bytes = (uint64_t)i * PAGE_BYTES;

		if (i <= pgno && place_of(g, find_data(g, pgno - i), &place)) {
			*ret = place + bytes;
			return true;
		}
		if (place_of(g, find_data(g, pgno + i), &place)) {
			*ret = place - MIN(place, bytes);
			return true;
		}
	}
	return false;
}

static bool is_known_code(const struct guesses *g, uint32_t pgno)
{
	const struct code_page *c = g->from->code;
	size_t i = SEARCH_FIRST(k, g->from->n_code, c[k].pgno < pgno);

	return i < g->from->n_code && c[i].pgno == pgno;
}

/* ---- pages ---- */

/* What page PGNO has of section X of read-only data. False: nothing tells where it is. */
static bool add_data(struct guesses *g, uint32_t pgno, const struct section *x,
		     uint64_t from, uint64_t bytes, const struct page_run *run)
{
	const struct data_page *d = find_data(g, pgno);
	uint64_t place;

	if (d && add_marks(g, d, run))
		return true;
	if (!place_beside(g, x, pgno, &place))
		return false;
	guess_cover(g, place + from % PAGE_BYTES, bytes, share_of(g, d), run);
	return true;
}

/* What page PGNO has of section X, which is Y in the new file. */
static void add_part(struct guesses *g, uint32_t pgno, const struct section *x,
		     const struct section *y, const struct page_run *run)
{
	uint64_t start = (uint64_t)pgno * PAGE_BYTES, from = MAX(start, x->off);
	uint64_t until = MIN(start + PAGE_BYTES, x->off + x->bytes);

	if (x->kind == SECTION_CODE && g->has_code && is_known_code(g, pgno))
		return;
	if (x->kind == SECTION_DATA && add_data(g, pgno, x, from, until - from, run))
		return;
	if (!y)
		return;
	from = guess_scale(x, y, from);
	until = guess_scale(x, y, until);
	/* Of code that is taken by its place, half is right. */
	guess_cover(g, from, MAX(until - from, 1),
		    x->kind == SECTION_CODE   ? GUESS_ALL / 2
		    : x->kind == SECTION_DATA ? share_of(g, find_data(g, pgno))
					      : GUESS_ALL,
		    run);
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
