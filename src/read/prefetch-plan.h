/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a job is going to be done: by how many threads, and with how many files open. Pure:
 * from what there is to read and where it lies; nothing is opened or started. libc only.
 */
#ifndef ELFCAST_PREFETCH_PLAN_H
#define ELFCAST_PREFETCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "shadow-read.h"

/* Requests of this size keep the queue filled and the order kept. */
#define PREFETCH_CALL_BYTES    (128u << 10)
/*
 * What would be left of a range behind such a request, and costs as one of its own as much as ten pages do
 * on an SD card or a network volume, comes along.
 */
#define PREFETCH_LONGEST_BYTES (PREFETCH_CALL_BYTES + (36u << 10))

/* What there is to do. */
struct prefetch_work {
	uint32_t n_objects; /* that have extents */
	uint32_t n_extents;
	enum storage_class storage; /* where most of it lies */
	bool gentle;
	bool eager;	   /* with gentle: somebody is waiting for it */
	bool whole_blocks; /* see prefetch-open.c */
};

struct prefetch_plan {
	unsigned n_openers; /* threads that open files before they are needed */
	unsigned n_askers; /* threads that ask for extents, and open what is not open yet */
	bool openers_ask_too; /* once all files are open */
	/* Asked for together: ranges of files, at least 1, and pages, but for a longer range. */
	unsigned batch_calls, batch_pages;
	unsigned depth; /* gentle: batches that each asker has under way, at least 1 */
};

/* The class of the storage that most extents of S lie on; the first of them in a draw. */
enum storage_class prefetch_main_storage(const struct shadow *s);

/*
 * Of a launch from an image (squashfs, erofs) on a disk that seeks: whether reading it ahead, beside
 * it, gains more by sweeping over its blocks than it costs to open its files first.
 */
bool prefetch_gains_by_sweep(const struct shadow *s);

/* N_THREADS: 0 for the default; not looked at when W is gentle. No more than have work. */
struct prefetch_plan prefetch_plan_threads(const struct prefetch_work *w,
					   unsigned n_threads);

/*
 * Pages of the next call, of N_PAGES (1 or more) from FIRST_PGNO on, to a device where a call of
 * LONGEST_PAGES is not cut short, if it begins with one of the processor's pages, of PER of ours each;
 * the kernel counts these whole. So the first call ends where one of them does. LONGEST_PAGES is a
 * multiple of PER.
 */
uint32_t prefetch_call_pages(uint32_t first_pgno, uint32_t n_pages, uint32_t longest_pages,
			     uint32_t per);

/* How many descriptors the process should be able to have, for everything to be open at once. */
uint64_t prefetch_wanted_descriptors(const struct prefetch_work *w);
/*
 * How many objects may be open before the others are opened only as they are needed, in a
 * process that can have LIMIT descriptors.
 */
uint32_t prefetch_max_ahead(const struct prefetch_work *w, uint64_t limit);

#endif
