/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How often each program is launched here: counts that decay by half in two weeks; when in
 * each of the last boots it was launched first; and in how many it was read ahead in vain.
 * Kept in the state directory (elfcast-launches(5)). libc only; integers only, so that the
 * same file means the same weights everywhere.
 *
 * All counts are as of one moment, "time". It moves in steps of an hour, at most a week
 * ahead at once and freely back, so that no clock, however wrong, can make them decay more
 * than a week by one mistake; a clock before 2026 is one that nobody has set.
 *
 * On a fresh install all weights are 0. Whoever ranks breaks ties: by the administrator's
 * lists, then by the names of profiles, which vendors choose. Whoever was read ahead at
 * LAUNCHES_VAIN_BOOTS boots and not launched has nothing left that speaks for it in the pack,
 * until somebody launches it.
 */
#ifndef ELFCAST_LAUNCH_COUNTS_H
#define ELFCAST_LAUNCH_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boots.h"
#include "store.h"

#define LAUNCHES_ONE	       1000000u /* one launch, not decayed */
/* 10^9 launches: far from where sums and products overflow. */
#define LAUNCHES_MOST	       (1000000000ull * LAUNCHES_ONE)
#define LAUNCHES_HALF_LIFE_S   (14u * 86400)
#define LAUNCHES_STEP_S	       3600u
#define LAUNCHES_LONGEST_S     (7u * 86400)
#define LAUNCHES_FIRST_CLOCK_S 1767225600u /* 2026-01-01 */

#define LAUNCHES_VAIN_BOOTS    5u
/* A boot that was shorter, or not watched from its start, is no evidence. */
#define LAUNCHES_SHORTEST_S    1800u
#define LAUNCHES_LATEST_S      600u
#define LAUNCHES_BOOT_ID_BYTES BOOT_ID_BYTES
/* Whose first launches are known: ten boots that are over, and the last one. */
#define LAUNCHES_WATCHED       11u

struct launch_count {
	char *program;	 /* canonical path */
	uint64_t weight; /* in units of 1 / LAUNCHES_ONE, as of launches.time_s */
	uint64_t last_s; /* since the epoch, as the clock was; 0: not known */
	uint32_t
		n_vain; /* boots, 0 .. LIMIT_VAIN_BOOTS; whoever has some may never have been launched */
	/*
	 * Since the kernel's start, 1 .. LIMIT_FIRST_MS, in the last watched boot and those
	 * before it; 0: not launched then.
	 */
	uint32_t first_ms[LAUNCHES_WATCHED];
};

struct launch_counts {
	uint64_t time_s;
	char boot_id[LAUNCHES_BOOT_ID_BYTES + 1]; /* the last boot that counted; "": none */
	char watched_id[LAUNCHES_BOOT_ID_BYTES + 1]; /* the last watched one; "": none */
	uint32_t n_watched;	    /* boots whose first launches are known */
	struct launch_count *items; /* sorted by program */
	size_t n, capacity;
};

/*
 * -ENOENT: no file; -EBADMSG, -ESTALE, -E2BIG: nothing that can be used (both as good as
 * none); else why it cannot be read.
 */
int launch_counts_load(const struct store *s, struct launch_counts *ret);
/* Nothing that can be used is there, and never will be: the next file takes its place. */
bool launch_counts_are_lost(int error);
/* Replace the file. Only under store_lock_launches(). */
int launch_counts_save(const struct store *s, const struct launch_counts *l);
/* Load, count one, save, under the lock. -EBUSY: elfcastd runs, and counts by itself. */
int launch_counts_count_stored(const struct store *s, const char *program,
			       unsigned timeout_ms);
void launch_counts_done(struct launch_counts *l);

/*
 * One launch more, at NOW_S. When there are LIMIT_LAUNCHES programs the lightest one makes
 * room. -EINVAL: no path that the file can hold; -ENOMEM.
 */
int launch_counts_count(struct launch_counts *l, const char *program, uint64_t now_s);
/*
 * PROGRAM, which was just counted, was launched AFTER_MS (CLOCK_BOOTTIME) in boot BOOT_ID, by
 * who has watched that boot from its start. Later launches in it change nothing.
 */
void launch_counts_note_first(struct launch_counts *l, const char *boot_id,
			      uint64_t after_ms, const char *program);
/* Let all decay until NOW_S, and forget what is as good as never launched. */
void launch_counts_advance(struct launch_counts *l, uint64_t now_s);

/* NULL: never launched. */
const struct launch_count *launch_counts_find(const struct launch_counts *l,
					      const char *program);
/*
 * Weight of a program at TIME_S; 0: never launched. All decay alike: what is heavier than
 * another stays so, and whoever only ranks can ask for launches.time_s, which makes the
 * result depend on the file alone.
 */
uint64_t launch_counts_weight(const struct launch_counts *l, const char *program,
			      uint64_t time_s);

/* What the last boots tell of a program. */
struct launch_habit {
	uint32_t n_boots,
		n_launched; /* known, and of these those in which it was launched */
	/* By when half of them, at least, had launched it; LAUNCHES_NEVER: they had not. */
	uint32_t after_ms;
};

#define LAUNCHES_NEVER UINT32_MAX

/* A boot that may still go on counts only for whom it has launched already. */
void launch_counts_habit(const struct launch_counts *l, const char *program,
			 struct launch_habit *ret);
/* Boots in vain so far; 0: it was launched in the last one, or not read ahead. */
uint32_t launch_counts_vain_boots(const struct launch_counts *l, const char *program);
/* Enough of them: the pack has no room for hopes. */
bool launch_counts_is_hopeless(const struct launch_counts *l, const char *program);
/* WEIGHT after SECONDS. */
uint64_t launch_counts_decay(uint64_t weight, uint64_t seconds);

/*
 * Boot BOOT_ID began at SINCE_S, and the programs in PACK (sorted, each once) were read ahead.
 * Those launched since then are struck off; the others have one boot more, unless this boot
 * has counted before. Whoever is not in the pack any more is kept only when hopeless, which is
 * why it is not there. When there are too many programs, new ones are not added. -ENOMEM,
 * -EINVAL: no boot-id.
 */
int launch_counts_note_boot(struct launch_counts *l, const char *boot_id, uint64_t since_s,
			    const struct name_list *pack);
/*
 * The same with the pack that is there, for this boot, by the program that counted its
 * launches since WATCHED_S (CLOCK_BOOTTIME): call it when that ends. A boot that is no
 * evidence only strikes off.
 */
int launch_counts_note_this_boot(const struct store *s, struct launch_counts *l,
				 uint64_t watched_s);
/* Programs that are read ahead in the pack for being launched, sorted: not the boot itself. */
int launch_counts_pack_programs(const struct store *s, struct name_list *ret);

/* What a file can hold. */
bool launch_counts_is_path(const char *s, size_t bytes);
bool launch_counts_is_boot_id(const char *s);
/* Where PROGRAM is, or belongs. */
size_t launch_counts_position(const struct launch_counts *l, const char *program,
			      bool *ret_found);
/* C before item AT; its program is taken, also on failure. -ENOMEM. */
int launch_counts_insert(struct launch_counts *l, size_t at, const struct launch_count *c);

/* The text, checked completely; every text that is accepted is what would be written. */
int launch_counts_parse(const char *text, size_t bytes, struct launch_counts *ret);
int launch_counts_format(const struct launch_counts *l, char **ret, size_t *ret_bytes);

#endif
