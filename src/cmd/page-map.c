/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "bounds.h"
#include "elf-layout.h"
#include "page-map.h"

const char *section_kind_text(enum section_kind kind)
{
	static const char *const texts[N_SECTION_KINDS] = {
		[SECTION_HEAD] = "head",     [SECTION_CODE] = "code",
		[SECTION_DATA] = "data",     [SECTION_UNWIND] = "unwind",
		[SECTION_TABLE] = "tables",  [SECTION_WRITABLE] = "writable",
		[SECTION_TAIL] = "unmapped",
	};

	return texts[kind];
}

static int copy_pageset(const struct pageset *pages, struct map_object *m)
{
	m->runs = calloc(pages->n_runs + 1, sizeof(*m->runs));
	if (!m->runs)
		return -ENOMEM;
	for (size_t i = 0; i < pages->n_runs; i++) {
		const struct page_run *r = &pages->runs[i];

		m->runs[m->n_runs++] =
			(struct map_run){ r->first_pgno, r->n_pages, r->when, r->runs };
	}
	return 0;
}

static int copy_extents(const struct shadow *s, const struct shadow_object *o,
			struct map_object *m)
{
	size_t n = 0;

	for (uint32_t i = le32_get(o->first_extent); i != SHADOW_NONE;
	     i = le32_get(s->extents[i].next))
		n++;
	m->runs = calloc(n + 1, sizeof(*m->runs));
	if (!m->runs)
		return -ENOMEM;
	for (uint32_t i = le32_get(o->first_extent); i != SHADOW_NONE;
	     i = le32_get(s->extents[i].next)) {
		const struct shadow_extent *e = &s->extents[i];

		m->runs[m->n_runs++] =
			(struct map_run){ .first_pgno = le32_get(e->first_pgno),
					  .n_pages = le32_get(e->n_pages),
					  .when = le32_get(e->when) };
	}
	return 0;
}

static int compare_runs(const void *pa, const void *pb)
{
	const struct map_run *a = pa, *b = pb;

	return (a->first_pgno > b->first_pgno) - (a->first_pgno < b->first_pgno);
}

/* A page belongs to the section that begins in it, or goes on. */
static int copy_parts(const struct layout *l, uint32_t n_pages, struct map_object *m)
{
	uint32_t end = 0;

	m->parts = calloc(l->n_sections + 1, sizeof(*m->parts));
	if (!m->parts)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_sections && end < n_pages; i++) {
		const struct section *s = &l->sections[i];
		uint64_t last = DIV_ROUND_UP(s->off + s->bytes, PAGE_BYTES);
		uint32_t to = (uint32_t)MIN(last, n_pages);

		if (to <= end)
			continue;
		if (m->n_parts > 0 && m->parts[m->n_parts - 1].kind == s->kind)
			m->parts[m->n_parts - 1].n_pages += to - end;
		else
			m->parts[m->n_parts++] =
				(struct map_part){ s->kind, end, to - end };
		end = to;
	}
	/* What no section covers belongs to the last one. */
	if (m->n_parts > 0 && end < n_pages)
		m->parts[m->n_parts - 1].n_pages += n_pages - end;
	return 0;
}

static int find_parts(const struct object_place *place, struct map_object *m)
{
	_cleanup_(layout_done) struct layout layout = { 0 };
	_cleanup_close_ int fd = -1;
	enum object_skip skip;
	struct stat st;

	if (m->row->now != NOW_VALID || !m->row->buildid.n_bytes)
		return 0;
	if (object_open(place, m->row->path, &fd, &st, &skip) < 0 || skip != OBJECT_USED) {
		fd = -1;
		return 0;
	}
	if (elf_read_layout(fd, &layout) < 0)
		return 0;
	return copy_parts(&layout, (uint32_t)MIN(m->row->file_pages, UINT32_MAX), m);
}

int page_map_load(const struct summary *s, const struct profile *profile,
		  const struct shadow *shadow, const struct object_place *place,
		  struct page_map *ret)
{
	ret->items = calloc(s->n_rows + 1, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_rows; i++) {
		struct map_object *m = &ret->items[ret->n];
		int r;

		if (s->rows[i].n_pages == 0)
			continue;
		ret->n++;
		m->row = &s->rows[i];
		r = profile ? copy_pageset(&profile->objects[i].pages, m)
			    : copy_extents(shadow, &shadow->objects[i], m);
		if (r == 0)
			r = find_parts(place, m);
		if (r < 0)
			return r;
		qsort(m->runs, m->n_runs, sizeof(*m->runs), compare_runs);
	}
	return 0;
}

void page_map_done(struct page_map *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->items[i].runs);
		free(m->items[i].parts);
	}
	free(m->items);
	*m = (struct page_map){ 0 };
}
