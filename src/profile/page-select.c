/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a page costs when it is read ahead for nothing, against what a fault costs: see
 * disk/storage.h for what reading costs.
 */
#include <errno.h>
#include <stdbool.h>

#include "macro.h"
#include "page-select.h"
#include "storage.h"

/*
 * Longer holes gain nothing, even where the arithmetic says yes: requests overlap, and a head
 * that sweeps over the disk passes by a hole as fast as it reads it (a launch on such a disk
 * is another matter: prefetch-join.h). Eleven programs on the lab's disks, in MiB read and ms
 * for all of it; between 4 and 16 pages the times are the same within what they vary by:
 *
 *   hole at most     2     4     6     8    10    16
 *   read            45    48    51    54    56    61
 *   network        766   609   712   704   635   733
 *   SD card       1569  1511  1781  1471  1663  1549
 *   hard disk     1907  1988  2016  2306  2138  2150
 */
#define GAP_MAX_PAGES 5u

uint32_t select_gap_pages(enum storage_class c)
{
	const struct storage_cost *k = storage_cost(c);
	uint32_t pages = k->request_us * 1000 / k->page_ns;

	return MIN(pages, GAP_MAX_PAGES);
}

/*
 * Is a page that RUNS of N_RUNS launches needed worth reading ahead?
 *
 *   saving = p * (latency + transfer)    what a launch that needs it does not wait
 *   cost   = (request + transfer) / 2    what reading it keeps the device busy, for nothing
 *                                        in 1 - p of the cases; half, because it is mostly
 *                                        read while nobody waits for the device
 *
 * with p = RUNS / N_RUNS. Beside a page that is read anyway the request costs nothing more.
 * So alone p must be 0.5 on flash and hard disks, 0.18 on a network volume; beside a kept
 * page 0.05 on flash, 0.002 on hard disks and 0.02 on a network volume.
 */
static bool is_worth(uint32_t runs, uint32_t n_runs, enum storage_class c, bool alone)
{
	const struct storage_cost *k = storage_cost(c);
	uint64_t saving_ns = (uint64_t)k->latency_us * 1000 + k->page_ns;
	uint64_t cost_ns = (alone ? (uint64_t)k->request_us * 1000 : 0) + k->page_ns;

	return runs * saving_ns * 2 >= n_runs * cost_ns;
}

struct selection {
	const struct pageset *pages;
	uint32_t n_runs;
	enum storage_class storage;
	bool *keep; /* per page run */
};

/* Runs within a gap of run BESIDE that are worth it only because that is read anyway. */
static void keep_beside(struct selection *s, size_t i, size_t beside)
{
	const struct page_run *low = &s->pages->runs[MIN(i, beside)];
	const struct page_run *high = &s->pages->runs[MAX(i, beside)];
	uint32_t hole = high->first_pgno - (low->first_pgno + low->n_pages);

	if (s->keep[beside] && !s->keep[i] && hole <= select_gap_pages(s->storage))
		s->keep[i] = is_worth(s->pages->runs[i].runs, s->n_runs, s->storage, false);
}

static void choose(struct selection *s)
{
	const struct pageset *p = s->pages;

	for (size_t i = 0; i < p->n_runs; i++)
		s->keep[i] = is_worth(p->runs[i].runs, s->n_runs, s->storage, true);
	for (size_t i = 1; i < p->n_runs; i++)
		keep_beside(s, i, i - 1);
	for (size_t i = p->n_runs; i-- > 1;)
		keep_beside(s, i - 1, i);
}

/* The kept runs with small holes filled. */
static int join(const struct selection *s, struct pageset *ret)
{
	uint32_t gap = select_gap_pages(s->storage);
	struct page_run extent = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->pages->n_runs; i++) {
		const struct page_run *run = &s->pages->runs[i];
		uint32_t end = extent.first_pgno + extent.n_pages;

		if (!s->keep[i])
			continue;
		if (extent.n_pages > 0 && run->first_pgno - end <= gap) {
			extent.n_pages = run->first_pgno + run->n_pages - extent.first_pgno;
			extent.when = MIN(extent.when, run->when);
			continue;
		}
		if (extent.n_pages > 0)
			r = pageset_append(ret, &extent);
		extent = (struct page_run){ run->first_pgno, run->n_pages, 1, run->when };
	}
	if (r == 0 && extent.n_pages > 0)
		r = pageset_append(ret, &extent);
	return r;
}

int select_pages(const struct pageset *pages, uint32_t n_runs, enum storage_class c,
		 uint32_t file_pages, struct pageset *ret)
{
	struct selection s = { .pages = pages, .n_runs = n_runs, .storage = c };
	int r;

	if (pages->n_runs == 0)
		return 0;
	s.keep = calloc(pages->n_runs, sizeof(*s.keep));
	if (!s.keep)
		return -ENOMEM;
	choose(&s);
	r = join(&s, ret);
	free(s.keep);
	pageset_clip(ret, file_pages);
	return r;
}
