/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which launches to read ahead at boot: those worth most, under a budget; and in which order:
 * as sessions launch them. Shadows and launch counts to a pack, and why. Pure but for the
 * place of files on rotating disks, which the caller looks up. libc only. Same shadows, counts
 * and options: same bytes, on every processor, so that fractions are integers here.
 */
#ifndef ELFCAST_PACK_H
#define ELFCAST_PACK_H

#include "fiemap.h"
#include "launch-counts.h"
#include "macro.h"
#include "shadow-read.h"
#include "store.h"

struct boot_programs;

struct pack_options {
	uint64_t budget_bytes;
	uint64_t budget_us; /* of modelled reading time; 0: no limit */
	/* Programs by path or name, see config.h; may be NULL. Borrowed. */
	const struct name_list *always, *never;
	/* May be NULL; borrowed until the last pack_add(). */
	const struct launch_counts *counts;
	/*
	 * What the boot starts, in that order; the same. Counts where no boot was recorded, or
	 * what was recorded has mostly changed.
	 */
	const struct boot_programs *boot_programs;
};

/* What became of a launch, from chosen to hopeless. */
enum pack_verdict {
	PACK_TAKEN,
	PACK_OVER_BUDGET,    /* its bytes did not fit any more */
	PACK_OVER_TIME,	     /* nor what reading them takes */
	PACK_OTHER_SCENARIO, /* the program has a default scenario */
	PACK_OTHER_BOOT,     /* of several boots, another one fits this system better */
	PACK_UNUSED, /* read ahead at several boots, and not launched in any of them */
	PACK_STALE,  /* no page of it is worth reading: files missing, other builds */
	PACK_ABSENT, /* the program itself is not there: not installed, or not mounted */
	PACK_NEVER,  /* the administrator's word */
	PACK_VERDICTS,
};

enum { PACK_CERTAIN = 1 << 30 };

/* The choice, for people. Strings are the builder's. */
struct pack_choice {
	const char *program, *scenario, *arch, *name; /* name: profile file name */
	uint32_t weight; /* how likely a boot launches it, of PACK_CERTAIN */
	struct launch_habit habit;
	uint64_t saving_us;  /* modelled, of one cold launch */
	uint64_t reading_us; /* modelled, of its new pages */
	uint64_t n_pages;
	uint64_t n_new_pages; /* that no launch before it has brought in */
	enum pack_verdict verdict;
	bool always; /* the administrator's word */
	/*
	 * The machine's own start needs it, and that comes first of all: a recorded boot
	 * (SCENARIO_BOOT), or the launch of a program that the boot starts.
	 */
	bool boot;
};

/* New; NULL: no memory. OPTIONS is copied, its lists are borrowed. */
struct pack *pack_new(const struct pack_options *options);
void pack_free(struct pack *p);
DEFINE_CLEANUP(struct pack *, pack_free)

/*
 * Add the launch in S, compiled from the profile NAME, whose program was launched COUNT times
 * (decayed, in units of 1 / LAUNCHES_ONE; 0: never), and whether there is a file at its path. Nothing of S is
 * kept. Any order. -ENOMEM.
 */
int pack_add(struct pack *p, const struct shadow *s, const char *name, uint64_t count,
	     bool is_there);

/*
 * The launch added last has these places of metadata, which go into the bundle alone; where there are
 * none, what it looks up does. Nothing of PLACES is kept. -ENOMEM.
 */
int pack_add_places(struct pack *p, const struct shadow *places);

/* After the last one; once. -ENOMEM, -E2BIG: over LIMIT_PACK_SHARES. */
int pack_choose(struct pack *p);

uint64_t pack_budget_bytes(const struct pack *p);
/* Those that were chosen, as they are read; then the others, the nearest to it first. */
size_t pack_count(const struct pack *p);
const struct pack_choice *pack_get(const struct pack *p, size_t i);

/*
 * Places of the file at PATH, if it still has IDENTITY, and some number for the device they
 * are on. No places known: leave *RET empty and return 0. -ENOMEM.
 */
typedef int (*pack_locate)(const char *path, const struct identity *identity,
			   uint64_t *ret_device, struct fiemap_runs *ret, void *userdata);

/*
 * The bytes of the pack, in reading order: what the boot itself needs, then the others. Each by
 * launch as pack_get() lists them, and within a launch by first touch; then what lies on
 * rotating disks, in sweeps over each: one of launches that follow each other (LOCATE; NULL: as
 * above). New buffer; none (NULL and 0) when nothing was chosen. -ENOMEM, -E2BIG.
 */
int pack_write(const struct pack *p, pack_locate locate, void *userdata, uint8_t **ret,
	       size_t *ret_bytes);

/*
 * The bytes of the bundle: each launch with all its pages, for who reads when one comes; chosen
 * or not, but for those that Never= names, other scenarios than the default one, and boots. The
 * ones worth most, where LIMIT_BUNDLE_BYTES is too little for all. Needs pack_choose(). As
 * pack_write().
 */
int pack_write_bundle(const struct pack *p, uint8_t **ret, size_t *ret_bytes);

/*
 * How often a cold launch waits for pages of a file, these ones: a fault brings in what lies
 * around it. Extents of one file in ascending order; *AHEAD (0 at first) is the page before
 * which all are there by then.
 */
uint64_t pack_count_faults(uint32_t first_pgno, uint32_t n_pages, uint64_t *ahead);
/* What a cold launch waits for that a warm one does not. */
uint64_t pack_saving_us(enum storage_class c, uint64_t n_faults, uint64_t n_pages);
/* How long the device is busy when they are read ahead. */
uint64_t pack_reading_us(enum storage_class c, uint64_t n_requests, uint64_t n_pages);

#endif
