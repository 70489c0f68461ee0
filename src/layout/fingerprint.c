/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a layout and needed pages to a fingerprint. */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "fingerprint.h"
#include "search.h"

void fingerprint_done(struct fingerprint *f)
{
	free(f->sections);
	free(f->code);
	free(f->data);
	free(f->codes);
	free(f->keys);
	free(f->ran);
	free(f->n_calls);
	free(f->calls);
	free(f->references);
	*f = (struct fingerprint){ 0 };
}

static bool page_has(const struct layout *l, uint64_t off, enum section_kind kind)
{
	uint64_t end = off + PAGE_BYTES;
	size_t i = SEARCH_FIRST(k, l->n_sections,
				l->sections[k].off + l->sections[k].bytes <= off);

	for (; i < l->n_sections && l->sections[i].off < end; i++)
		if (l->sections[i].kind == kind)
			return true;
	return false;
}

static uint8_t unit_16(uint64_t bytes)
{
	return (uint8_t)(bytes / 16);
}

/* Keys of unit I of the layout, which is the next of page P. */
static void add_keys(struct fingerprint *f, const struct layout *l, size_t i,
		     struct code_page *p, size_t *n_keys)
{
	size_t k = SEARCH_FIRST(x, l->n_keys, l->keys[x].unit < i), n = 0;

	for (; k < l->n_keys && l->keys[k].unit == i && n < FINGERPRINT_MAX_KEYS &&
	       p->n_keys < UINT8_MAX;
	     k++, n++) {
		uint8_t rank = l->keys[k].is_constant ? FINGERPRINT_MAX_RANK : n > 0;

		f->keys[(*n_keys)++] =
			(struct code_key){ p->n_units, rank, l->keys[k].hash };
		p->n_keys++;
	}
}

/* Appends to f->codes and f->keys, which have room for all units and one lead a page. */
static void make_code_page(struct fingerprint *f, const struct layout *l, uint32_t pgno,
			   enum fingerprint_level level, size_t *n_codes, size_t *n_keys)
{
	uint64_t start = (uint64_t)pgno * PAGE_BYTES, end = start + PAGE_BYTES;
	struct code_page *p = &f->code[f->n_code];
	size_t i =
		SEARCH_FIRST(k, l->n_units, l->units[k].off + l->units[k].bytes <= start);

	*p = (struct code_page){ .pgno = pgno,
				 .codes = f->codes + *n_codes,
				 .keys = f->keys + *n_keys };
	if (i < l->n_units && l->units[i].off < start) {
		p->lead_back = (uint32_t)MIN(DIV_ROUND_UP(start - l->units[i].off, 16),
					     UINT32_MAX);
		p->lead_code = l->units[i].code;
		i++;
	}
	for (; i < l->n_units && l->units[i].off < end && p->n_units < UINT8_MAX; i++) {
		if (level >= FINGERPRINT_KEYS)
			add_keys(f, l, i, p, n_keys);
		f->codes[(*n_codes)++] = l->units[i].code;
		p->n_units++;
	}
	if (p->lead_back || p->n_units)
		f->n_code++;
}

/* ---- read-only data ---- */

static int compare_hashes(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_unique(const uint32_t *sorted, size_t n, uint32_t hash)
{
	size_t i = SEARCH_FIRST(k, n, sorted[k] < hash);

	return i + 1 >= n || sorted[i + 1] != hash;
}

/* The smallest hashes: what another build of the page has kept, it chooses as well. */
static void add_mark(struct data_page *p, const struct piece *piece)
{
	struct data_mark mark = { unit_16(piece->off % PAGE_BYTES), piece->hash };
	size_t i = p->n_marks;

	while (i > 0 && p->marks[i - 1].hash > mark.hash)
		i--;
	if (i == FINGERPRINT_MAX_MARKS)
		return;
	memmove(&p->marks[i + 1], &p->marks[i],
		(MIN(p->n_marks, FINGERPRINT_MAX_MARKS - 1) - i) * sizeof(mark));
	p->marks[i] = mark;
	p->n_marks = (uint8_t)MIN(p->n_marks + 1u, FINGERPRINT_MAX_MARKS);
}

static void make_data_page(struct fingerprint *f, const struct layout *l, uint32_t pgno,
			   const uint32_t *sorted)
{
	uint64_t start = (uint64_t)pgno * PAGE_BYTES;
	struct data_page *p = &f->data[f->n_data];
	size_t i = SEARCH_FIRST(k, l->n_pieces, l->pieces[k].off < start);

	*p = (struct data_page){ .pgno = pgno };
	for (; i < l->n_pieces && l->pieces[i].off < start + PAGE_BYTES; i++)
		if (is_unique(sorted, l->n_pieces, l->pieces[i].hash))
			add_mark(p, &l->pieces[i]);
	if (p->n_marks)
		f->n_data++;
}

/* ---- all of it ---- */

static int allocate(struct fingerprint *f, const struct layout *l, size_t n_pages)
{
	f->sections = calloc(l->n_sections + 1, sizeof(*f->sections));
	f->code = calloc(n_pages + 1, sizeof(*f->code));
	f->data = calloc(n_pages + 1, sizeof(*f->data));
	f->codes = malloc(l->n_units + 1);
	f->keys = calloc(l->n_keys + 1, sizeof(*f->keys));
	return f->sections && f->code && f->data && f->codes && f->keys ? 0 : -ENOMEM;
}

static void make_pages(struct fingerprint *f, const struct layout *l,
		       const struct page_range *r, enum fingerprint_level level,
		       const uint32_t *sorted, size_t *n_codes, size_t *n_keys)
{
	for (uint32_t i = 0; i < r->n_pages; i++) {
		uint32_t pgno = r->first_pgno + i;
		uint64_t off = (uint64_t)pgno * PAGE_BYTES;

		if (page_has(l, off, SECTION_CODE))
			make_code_page(f, l, pgno, level, n_codes, n_keys);
		if (page_has(l, off, SECTION_DATA))
			make_data_page(f, l, pgno, sorted);
	}
}

int fingerprint_make(const struct layout *l, const struct page_range *ranges, size_t n,
		     enum fingerprint_level level, struct fingerprint *ret)
{
	_cleanup_free_ uint32_t *sorted = calloc(l->n_pieces + 1, sizeof(*sorted));
	struct fingerprint f = { .file_bytes = l->file_bytes,
				 .content_hash = l->content_hash,
				 .max_rank = FINGERPRINT_MAX_RANK };
	size_t n_pages = 0, n_codes = 0, n_keys = 0;

	for (size_t i = 0; i < n; i++)
		n_pages += ranges[i].n_pages;
	if (!sorted || allocate(&f, l, n_pages) < 0) {
		fingerprint_done(&f);
		return -ENOMEM;
	}
	for (size_t i = 0; i < l->n_pieces; i++)
		sorted[i] = l->pieces[i].hash;
	qsort(sorted, l->n_pieces, sizeof(*sorted), compare_hashes);
	f.n_sections = l->n_sections;
	for (size_t i = 0; i < f.n_sections; i++) {
		f.sections[i] = l->sections[i];
		f.sections[i].addr = 0;
	}
	for (size_t i = 0; i < n; i++)
		make_pages(&f, l, &ranges[i], level, sorted, &n_codes, &n_keys);
	*ret = f;
	return 0;
}
