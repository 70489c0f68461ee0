/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "bounds.h"
#include "macro.h"
#include "plugged.h"
#include "prefetch-plan.h"

#define THREADS_DEFAULT 8
#define THREADS_MAX	64
/*
 * Descriptors that are not used for opening ahead: what the process has open, and four for
 * each thread, as long as it opens a file.
 */
#define RESERVE		(32 + 4 * THREADS_DEFAULT)
/*
 * Files that a launch asks for together: it may wait for the first of them. Half as many make more requests
 * of what lies side by side: gdb on a hard disk 905 ms, 833 so (tests/bench-exec.sh).
 */
#define LAUNCH_CALLS	32
/*
 * What a gentle reader has in flight: one large request or a few small ones, about 2 ms of a
 * modest disk. More keeps others waiting, less leaves the disk idle between the requests.
 */
#define GENTLE_CALLS	4
#define BATCH_PAGES	(PREFETCH_CALL_BYTES / PAGE_BYTES)
/* What a boot or a launch waits for: the more at once, the more of what lies side by side is one request. */
#define AWAITED_PAGES	(2 * BATCH_PAGES)
/* Objects that a gentle reader has open before they are needed. */
#define GENTLE_AHEAD	256

enum storage_class prefetch_main_storage(const struct shadow *s)
{
	uint32_t n[STORAGE_CLASSES] = { 0 };
	enum storage_class best = STORAGE_ROTATIONAL;

	for (uint32_t i = 0; i < s->n_extents; i++)
		n[s->objects[le32_get(s->extents[i].object)].storage]++;
	for (enum storage_class c = STORAGE_ROTATIONAL; c < STORAGE_CLASSES; c++)
		if (n[c] > n[best])
			best = c;
	return best;
}

/* ---- images, on a disk that seeks ---- */

/* What mksquashfs packs together. */
#define BLOCK_PAGES 32u
/*
 * What a launch waits for a directory's entries and inodes, which lie behind all data, while the reader
 * needs others of them and the arm goes to and fro: as long as a sweep gains by so many blocks, of 3 ms each.
 * Thirteen programs on the lab's hard disk, in ms, plain and read ahead: vim (82 blocks in 9 directories)
 * 885, 1,244; git (52 in 7) 499, 596; perl (63 in 9) 742, 772; bash (27 in 3) 334, 312; tar (28 in 3) 398, 330;
 * curl (123 in 3) 1,091, 695; python3 (181 in 13) 3,526, 2,299; gdb (375 in 17) 3,831, 2,960. From erofs, whose inodes lie
 * before the data of each file, the same launches do not gain: read ahead to the end vim took 1.12 to 1.26 times as long as
 * plain, git 1.06; so 0.94 and 0.97. To find out takes two files: with clusters of 1 MiB git takes 238 ms in place of 201.
 */
#define DIR_BLOCKS  15u
/* Of a program, of the libraries and /etc: whatever is launched. */
#define USUAL_DIRS  3u

static uint32_t count_blocks(const struct shadow *s, const struct shadow_object *o)
{
	uint32_t n = 0, next = 0;

	for (uint32_t i = le32_get(o->first_extent); i != SHADOW_NONE;
	     i = le32_get(s->extents[i].next)) {
		uint32_t first = le32_get(s->extents[i].first_pgno) / BLOCK_PAGES;
		uint32_t last = (le32_get(s->extents[i].first_pgno) +
				 le32_get(s->extents[i].n_pages) - 1) /
				BLOCK_PAGES;

		first = MAX(first, next);
		n += last + 1 - MIN(first, last + 1);
		next = last + 1;
	}
	return n;
}

bool prefetch_gains_by_sweep(const struct shadow *s)
{
	uint64_t n_blocks = 0, n_dirs = 0;
	const char *dir = "";
	size_t dir_bytes = 0;

	for (uint32_t i = 0; i < s->n_objects; i++) {
		const char *path = shadow_string(s, s->objects[i].path);
		const char *slash = strrchr(path, '/');
		size_t bytes = slash ? (size_t)(slash - path) : 0;

		if (le32_get(s->objects[i].first_extent) == SHADOW_NONE)
			continue;
		/* They are sorted by path, so those of one directory follow each other, mostly. */
		if (n_dirs == 0 || bytes != dir_bytes || memcmp(path, dir, bytes) != 0)
			n_dirs++;
		dir = path;
		dir_bytes = bytes;
		n_blocks += count_blocks(s, &s->objects[i]);
	}
	return n_blocks + USUAL_DIRS * DIR_BLOCKS > n_dirs * DIR_BLOCKS;
}

/*
 * As many as keep the storage busy. Volumes behind a network serve many requests at once;
 * seeking disks sort the lookups of several threads, but want data from one; memory cards
 * serve one request after the other, and whoever comes second waits; images take time to
 * unpack.
 */
static struct prefetch_plan plan_gentle(const struct prefetch_work *w)
{
	static const struct prefetch_plan plans[STORAGE_CLASSES] = {
		[STORAGE_ROTATIONAL] = { 4, 1, .depth = 1 },
		[STORAGE_NETWORK] = { 8, 8, .depth = 1 },
		[STORAGE_FLASH] = { 0, 1, .depth = 1 },
		[STORAGE_IMAGE] = { 2, 2, .depth = 1 },
	};
	/*
	 * A boot reads meanwhile, and each of its reads queues behind what is under way: as
	 * little of that as fills the disk. A disk that seeks wants long ways to sort; leaving
	 * its sweep to serve somebody else costs it more than the sweep costs them. A memory
	 * card gains by a queue, since the boot does not ask again for what is in it: 1 MiB each,
	 * 35 ms for who comes behind. With 256 KiB the boot overtakes the reader (SD card, eight
	 * services: 69 % of the time gone instead of 74), with 4 MiB what nobody foresaw waits (66).
	 *
	 * An image is read block by block by whoever asks, and opening one of its files reads, too: the more ask, the
	 * more is under way. Live system on squashfs, of (cold - cached) gone with { 2, 2 }, { 8, 8 } and
	 * these: net 33 %, 62, 60; SD card 26, 39, 41; hard disk 4, 42, 56. On erofs, uncompressed, { 2, 2 } and these: 70,
	 * 56; 52, 37; 66, 77: but below an overlay nobody tells which it is.
	 */
	static const struct prefetch_plan eager_plans[STORAGE_CLASSES] = {
		[STORAGE_ROTATIONAL] = { 4, 1, .depth = 16 },
		[STORAGE_NETWORK] = { 4, 3, .depth = 1 },
		[STORAGE_FLASH] = { 2, 2, .depth = 4 },
		[STORAGE_IMAGE] = { 16, 8, .depth = 1 },
	};
	struct prefetch_plan plan = w->eager ? eager_plans[w->storage] : plans[w->storage];

	plan.n_openers = MIN(plan.n_openers, w->n_objects);
	plan.n_askers = MIN(plan.n_askers, w->n_extents);
	plan.batch_calls = w->eager ? PLUGGED_RANGES : GENTLE_CALLS;
	plan.batch_pages = w->eager ? AWAITED_PAGES : BATCH_PAGES;
	return plan;
}

struct prefetch_plan prefetch_plan_threads(const struct prefetch_work *w,
					   unsigned n_threads)
{
	unsigned n = MIN(n_threads ? n_threads : THREADS_DEFAULT, THREADS_MAX);
	struct prefetch_plan plan = {
		.n_openers = MIN(n / 2, w->n_objects),
		.n_askers = MIN(n - n / 2, w->n_extents),
		.openers_ask_too = true,
		.batch_calls = LAUNCH_CALLS,
		.batch_pages = AWAITED_PAGES,
	};

	if (w->gentle)
		return plan_gentle(w);
	/*
	 * One asks, so that the disk is asked in the order of first touch: of several, those that wait for a
	 * file to be opened were overtaken by all others, and the launch waited for ld.so at the end of the
	 * queue (gdb on a network volume 287 ms, 257 so; perl 60, 56; git on an SD card 82, 81). Where the
	 * disk seeks it keeps the head going one way, and more openers would not.
	 */
	if (w->storage != STORAGE_IMAGE) {
		plan.n_openers =
			MIN(w->storage == STORAGE_ROTATIONAL ? n / 2 : n - 1, w->n_objects);
		plan.n_askers = MIN(1, w->n_extents);
		plan.openers_ask_too = false;
	}
	/*
	 * squashfs keeps eight unpacked blocks of inodes and directories: who opens in
	 * parallel throws out what the others, and the launch, still need.
	 */
	if (w->storage == STORAGE_IMAGE)
		plan.n_openers = MIN(plan.n_openers, 1);
	/* All of them are there for a disk that seeks. */
	if (w->whole_blocks) {
		plan.n_askers = MIN(n, w->n_extents);
		plan.openers_ask_too = false;
	}
	/* A single object needs no one to open it ahead. */
	if (w->n_objects <= 1)
		plan.n_openers = 0;
	return plan;
}

uint32_t prefetch_call_pages(uint32_t first_pgno, uint32_t n_pages, uint32_t longest_pages,
			     uint32_t per)
{
	uint32_t usual = MIN(longest_pages, PREFETCH_CALL_BYTES / PAGE_BYTES);
	uint32_t ahead = first_pgno % per;

	return n_pages <= longest_pages - ahead ? n_pages : usual - ahead;
}

uint64_t prefetch_wanted_descriptors(const struct prefetch_work *w)
{
	return (uint64_t)w->n_objects + RESERVE;
}

/* An asker that finds no descriptor for the object it is at would have to skip it. */
uint32_t prefetch_max_ahead(const struct prefetch_work *w, uint64_t limit)
{
	uint64_t n = limit > 2 * RESERVE ? limit - RESERVE : limit / 4;

	return (uint32_t)MIN(n, w->gentle ? (uint64_t)GENTLE_AHEAD : UINT32_MAX);
}
