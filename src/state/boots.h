/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The last boots: how long each took, what was read ahead in it, and what follows from that for
 * the next one. Kept in the state directory (elfcast-boots(5)). libc only.
 *
 * What the boot itself needs is read at its start (an eager boot), but for a few boots that are
 * left alone, as controls. Where it gains nothing, the eager part is off until it is another one. Who judges that is gain/boot-gain.c.
 */
#ifndef ELFCAST_BOOTS_H
#define ELFCAST_BOOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "store.h"

struct launch_counts;
struct shadow;

#define BOOT_ID_BYTES 36

/* What became of the eager part. */
enum boot_plan {
	BOOT_PLAN_NONE,	   /* the pack has none */
	BOOT_PLAN_EAGER,   /* it is read */
	BOOT_PLAN_CONTROL, /* not this time, to see what it gains */
	BOOT_PLAN_OFF,	   /* it gained nothing */
	BOOT_PLAN_NO,	   /* somebody said so */
	BOOT_PLAN_UNUSED,  /* it was read, until the boot was seen to use little of it */
	BOOT_PLANS,
};

/* Of elfcast.conf. */
enum boot_wish {
	BOOT_WISH_AUTO,
	BOOT_WISH_YES,
	BOOT_WISH_NO,
};

#define BOOT_USED_UNKNOWN 255u

struct boot_line {
	char boot_id[BOOT_ID_BYTES + 1];
	uint64_t time_s; /* of its start, since the epoch; 0: not known */
	enum boot_plan plan;
	bool turned_off; /* by what this boot adds: from the next one on it is off */
	uint64_t key;	 /* of the eager part; 0: there is none */
	uint64_t
		target_ms; /* from the start of process 1 to the default target; 0: not known */
	uint64_t eager_bytes, eager_ms; /* read for the boot, and when that was over */
	uint64_t rest_bytes, rest_ms;	/* read for launches, and when all was */
	unsigned used_percent; /* of the rest: for programs that were launched then */
	char kernel[LIMIT_KERNEL_BYTES + 1];
};

struct boots {
	struct boot_line items[LIMIT_BOOTS]; /* the last boot is the last one */
	size_t n;
};

const char *boot_plan_name(enum boot_plan p);
bool boot_plan_from_name(const char *name, enum boot_plan *ret);

/*
 * What to do with the eager part, whose key is KEY (0: none), in boot BOOT_ID. The same answer
 * all boot long, also when B holds this boot already.
 */
enum boot_plan boots_plan(const struct boots *b, const char *boot_id, uint64_t key,
			  enum boot_wish wish);
/*
 * The last boot has used little of what was read for it, and so had the one before it in which that was
 * read: once may be chance, an update's first boot or a rescue.
 */
bool boots_are_unused(const struct boots *b);
/*
 * From here on lines tell what the eager part of today gains: behind the one with which another
 * was switched off.
 */
size_t boots_first_counting(const struct boots *b);

/* Takes the place of the line of the same boot; else the oldest one makes room. */
void boots_add(struct boots *b, const struct boot_line *line);
/* NULL: not in there. */
struct boot_line *boots_find(struct boots *b, const char *boot_id);

/*
 * Of PACK's eager part, whatever its order; 0: it has none. Where little has changed, few of its
 * bits do.
 */
uint64_t boots_key(const struct shadow *pack);
/* Whether more than about a fifth has changed. */
bool boots_keys_differ(uint64_t a, uint64_t b);

/* This boot's, of the kernel. 0 or negative errno. */
int boots_read_id(char ret[static BOOT_ID_BYTES + 1]);
/* This kernel's release, as a line can hold it. */
void boots_read_kernel(char ret[static LIMIT_KERNEL_BYTES + 1]);

/*
 * -ENOENT: no file; -EBADMSG, -ESTALE, -E2BIG, -EPERM, …: nothing that can be used, as good as
 * none. *RET is empty then.
 */
int boots_load(const struct store *s, struct boots *ret);
/* Replace the file. Only under store_lock_boots(). */
int boots_save(const struct store *s, const struct boots *b);

/*
 * Of the pages that PACK holds for launches, those of programs launched since SINCE_S, in percent;
 * BOOT_USED_UNKNOWN: it holds none.
 */
unsigned boots_used_percent(const struct shadow *pack, const struct launch_counts *l,
			    uint64_t since_s);
/*
 * The same with the pack that this boot has read, into its line, by the program that saw all
 * launches. -ENOENT: this boot is not in the log, or that pack is not there any more.
 */
int boots_note_used(const struct store *s, const struct launch_counts *l);

/* The text, checked completely; every text that is accepted is what would be written. */
int boots_parse(const char *text, size_t bytes, struct boots *ret);
int boots_format(const struct boots *b, char **ret, size_t *ret_bytes);

#endif
