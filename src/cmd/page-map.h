/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in each file of a launch the pages lie that it needs, for show --map and --html. */
#ifndef ELFCAST_PAGE_MAP_H
#define ELFCAST_PAGE_MAP_H

#include "input.h"
#include "layout.h"
#include "object-open.h"
#include "summary.h"

/* Pages that follow each other, first touched at the same time. */
struct map_run {
	uint32_t first_pgno, n_pages, when, runs; /* runs 0: not known */
};

/* Sections of one kind that follow each other, in pages. */
struct map_part {
	enum section_kind kind;
	uint32_t first_pgno, n_pages;
};

struct map_object {
	const struct row *row; /* borrowed */
	struct map_run *runs;  /* by page, disjoint */
	size_t n_runs;
	struct map_part
		*parts; /* none: no ELF file, or not the one that the runs are about */
	size_t n_parts;
};

struct page_map {
	struct map_object *items; /* as the summary's rows, those with pages */
	size_t n;
};

/* SHADOW or PROFILE is what S was made from. -ENOMEM; *RET (zero) is to be freed in any case. */
int page_map_load(const struct summary *s, const struct profile *profile,
		  const struct shadow *shadow, const struct object_place *place,
		  struct page_map *ret);
void page_map_done(struct page_map *m);

const char *section_kind_text(enum section_kind kind);

#endif
