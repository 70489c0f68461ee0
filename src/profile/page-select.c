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
 * Longer holes gain nothing where a request takes as long as many pages: a head that sweeps over the
 * disk passes by a hole as fast as it reads it (a launch on such a disk is another matter:
 * prefetch-join.h).
 */
#define GAP_MAX_PAGES	 5u
/* What is joined is that long at most, so that few ways to do it have to be looked at. */
#define JOINED_MAX_PAGES 256u
/* Of a request's time: what it costs besides, wherever it is made, merged and answered. */
#define OVERHEAD_SHARE	 8u

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

	if (s->keep[beside] && !s->keep[i] && hole <= GAP_MAX_PAGES)
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

/* ---- holes ---- */

/*
 * Volumes and cards serve so many requests a second, and so many bytes: a request takes REQUEST_US,
 * and what can be read in that time comes along for nothing. So a hole is filled where the requests
 * become fewer, not between two that take longer anyhow. Launches in ms, with holes of up to five pages
 * filled wherever they were, and so: network, git 40.7, 37.3; gdb 258, 251; node 222, 203; SD card, git 81,
 * 74; gdb 476, 455; node 436, 406.
 */
static bool is_metered(enum storage_class c)
{
	return c == STORAGE_NETWORK || c == STORAGE_FLASH;
}

static uint64_t request_ns(enum storage_class c, uint32_t n_pages)
{
	const struct storage_cost *k = storage_cost(c);
	uint64_t alone_ns = (uint64_t)k->request_us * 1000;
	uint64_t transfer_ns = (uint64_t)n_pages * k->page_ns;

	return is_metered(c) ? MAX(alone_ns, transfer_ns) + alone_ns / OVERHEAD_SHARE
			     : alone_ns + transfer_ns;
}

static uint32_t max_hole(enum storage_class c)
{
	const struct storage_cost *k = storage_cost(c);

	return is_metered(c) ? k->request_us * 1000 / k->page_ns : GAP_MAX_PAGES;
}

/* Of the requests for the first runs, as many as its place says. */
struct least {
	uint64_t ns;  /* that all of them take */
	size_t first; /* run of the last one */
	size_t end;   /* run behind the one that begins here */
};

/* How the first N of RUNS are read in the least time; LEAST knows that for fewer. */
static struct least find_least(const struct page_run *runs, size_t n,
			       const struct least *least, enum storage_class c)
{
	uint32_t end = runs[n - 1].first_pgno + runs[n - 1].n_pages;
	struct least found = { .ns = UINT64_MAX };

	for (size_t i = n; i-- > 0;) {
		const struct page_run *run = &runs[i];
		uint32_t n_pages = end - run->first_pgno;
		uint64_t ns = least[i].ns + request_ns(c, n_pages);

		if (i + 1 < n &&
		    (n_pages > JOINED_MAX_PAGES ||
		     run[1].first_pgno - (run->first_pgno + run->n_pages) > max_hole(c)))
			break;
		if (ns < found.ns)
			found = (struct least){ .ns = ns, .first = i };
	}
	return found;
}

static struct page_run join_runs(const struct page_run *runs, size_t n)
{
	struct page_run all = { .first_pgno = runs[0].first_pgno,
				.runs = 1,
				.when = runs[0].when };

	for (size_t i = 0; i < n; i++) {
		all.n_pages = runs[i].first_pgno + runs[i].n_pages - all.first_pgno;
		all.when = MIN(all.when, runs[i].when);
	}
	return all;
}

/* The N runs as the requests that take the least time together. */
static int join(const struct page_run *runs, size_t n, enum storage_class c,
		struct pageset *ret)
{
	_cleanup_free_ struct least *least = calloc(n + 1, sizeof(*least));
	int r = 0;

	if (!least)
		return -ENOMEM;
	for (size_t i = 1; i <= n; i++)
		least[i] = find_least(runs, i, least, c);
	for (size_t i = n; i > 0; i = least[i].first)
		least[least[i].first].end = i;
	for (size_t i = 0; r == 0 && i < n; i = least[i].end) {
		const struct page_run all = join_runs(runs + i, least[i].end - i);

		r = pageset_append(ret, &all);
	}
	return r;
}

int select_pages(const struct pageset *pages, uint32_t n_runs, enum storage_class c,
		 uint32_t file_pages, struct pageset *ret)
{
	struct selection s = { .pages = pages, .n_runs = n_runs, .storage = c };
	_cleanup_free_ struct page_run *kept = NULL;
	_cleanup_free_ bool *keep = NULL;
	size_t n = 0;
	int r;

	if (pages->n_runs == 0)
		return 0;
	s.keep = keep = calloc(pages->n_runs, sizeof(*keep));
	kept = calloc(pages->n_runs, sizeof(*kept));
	if (!keep || !kept)
		return -ENOMEM;
	choose(&s);
	for (size_t i = 0; i < pages->n_runs; i++)
		if (keep[i])
			kept[n++] = pages->runs[i];
	r = join(kept, n, c, ret);
	pageset_clip(ret, file_pages);
	return r;
}
