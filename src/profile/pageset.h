/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages of one file, with evidence: sorted, disjoint runs of pages that share it.
 * Maximal: neighbours with the same evidence are one run, so equal sets are equal arrays.
 */
#ifndef ELFCAST_PAGESET_H
#define ELFCAST_PAGESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_run {
	uint32_t first_pgno;
	uint32_t n_pages; /* at least 1; first_pgno + n_pages does not overflow */
	uint32_t runs;	  /* in how many training runs the pages were needed, at least 1 */
	uint32_t when;	  /* bucket of the earliest first touch, 0..LIMIT_WHEN */
};

struct pageset {
	struct page_run *runs;
	size_t n_runs;
	size_t capacity;
};

void pageset_done(struct pageset *s);

/*
 * Add RUN behind all others; joined with the last one where evidence is equal and they touch.
 * -EINVAL when it starts before the end of the last one, is empty or overflows; -ENOMEM.
 */
int pageset_append(struct pageset *s, const struct page_run *run);

/* Page by page: runs added (saturating), when the minimum. *RET must be empty. -ENOMEM. */
int pageset_merge(const struct pageset *a, const struct pageset *b, struct pageset *ret);

/* Replace S (keeps evidence) by what lies below N_PAGES. */
void pageset_clip(struct pageset *s, uint32_t n_pages);

uint64_t pageset_count(const struct pageset *s); /* pages */
/* One past the last page, 0 when empty. */
uint32_t pageset_end(const struct pageset *s);
bool pageset_equal(const struct pageset *a, const struct pageset *b);

/*
 * First touch is recorded as a bucket on a logarithmic scale: bucket 0 ends at 1 ms, each
 * further one is 25 % longer. Fine enough to order reading, coarse enough for long runs.
 */
uint32_t when_from_us(uint64_t us);
uint64_t when_end_us(uint32_t when); /* upper end of a bucket */

#endif
