/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs that were read ahead at boot, boot after boot, and not launched in any of them.
 * Launch counts cannot tell these from programs of a fresh install: both have none. Whoever
 * is here UNUSED_BOOTS times has nothing left that speaks for it in the pack, until somebody
 * launches it. Text in the state directory (elfcast-unused(5)). libc only.
 */
#ifndef ELFCAST_BOOT_UNUSED_H
#define ELFCAST_BOOT_UNUSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launch-counts.h"
#include "store.h"

#define UNUSED_BOOTS	     5u
/* A boot that was shorter, or not watched from its start, is no evidence. */
#define UNUSED_SHORTEST_S    1800u
#define UNUSED_LATEST_S	     600u
#define UNUSED_BOOT_ID_BYTES 36

struct unused_program {
	char *program;	  /* canonical path */
	uint32_t n_boots; /* 1 .. LIMIT_UNUSED_BOOTS */
};

struct boot_unused {
	char boot_id[UNUSED_BOOT_ID_BYTES + 1]; /* the last boot that counted */
	struct unused_program *items;		/* sorted by program */
	size_t n, capacity;
};

/* -ENOENT; -EBADMSG, -ESTALE, -E2BIG: nothing that can be used (both as good as none). */
int boot_unused_load(const struct store *s, struct boot_unused *ret);
void boot_unused_done(struct boot_unused *u);

/* Boots without a launch so far; 0: it was launched in the last one, or not read ahead. */
uint32_t boot_unused_boots(const struct boot_unused *u, const char *program);
/* Enough of them: the pack has no room for hopes. */
bool boot_unused_is_hopeless(const struct boot_unused *u, const char *program);

/*
 * Boot BOOT_ID began at SINCE_S, and the programs in PACK (sorted, each once) were read ahead.
 * Those that L has a launch of since then are struck off; the others have one boot more,
 * unless this boot has counted before. Whoever is not in the pack any more is kept only when
 * hopeless, which is why it is not there. When there are too many, new ones are not added.
 * *RET_CHANGED: is to be saved. -ENOMEM, -EINVAL: no boot-id.
 */
int boot_unused_note(struct boot_unused *u, const char *boot_id, uint64_t since_s,
		     const struct name_list *pack, const struct launch_counts *l,
		     bool *ret_changed);

/*
 * The same with the pack that is there, for this boot, by the program that counted its
 * launches since WATCHED_S (CLOCK_BOOTTIME): call it when that ends, under
 * store_lock_launches(). A boot that is no evidence only strikes off.
 */
int boot_unused_note_stored(const struct store *s, const struct launch_counts *l,
			    uint64_t watched_s);

/* The text, checked completely; every text that is accepted is what would be written. */
int boot_unused_parse(const char *text, size_t bytes, struct boot_unused *ret);
int boot_unused_format(const struct boot_unused *u, char **ret, size_t *ret_bytes);

/* Programs that are read ahead in PACK for being launched, sorted: not the boot itself. */
int boot_unused_pack_programs(const struct store *s, struct name_list *ret);

#endif
