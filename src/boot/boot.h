/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast-prefetch, what runs at boot: a supervisor, which touches no disk and leaves at its
 * deadline whatever happens, and the parts it starts, which do.
 *
 *   elfcast-prefetch.c  options
 *   supervise.c    starts the parts, waits for their end, the deadline, a signal, pressure
 *   metadata.c     the part that reads file systems' metadata ahead, from block devices
 *   data.c         the part that parses the pack and reads ahead; without privileges
 *                  Both twice: what the boot itself needs, at once and while it boots; then,
 *                  when that is over, the rest
 *   plan.c         whether what the boot needs is read at all, this time
 *   timeline.c     when how much was read, in little room
 *   own.c          the part that reads this machine's own files ahead, which not everybody may read
 *   share.c        what the supervisor makes of what they tell
 *   early.c        what who read for the boot tells who comes after it
 *   pace.c         obeys ../pace, which tells what others do: they read first, memory stays free
 *   report.c       the journal's line and /run's file
 *
 * libc only.
 */
#ifndef ELFCAST_BOOT_H
#define ELFCAST_BOOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "boots.h"
#include "prefetch-job.h"

struct boot_options {
	const char *root;     /* NULL: "/" */
	const char *pack;     /* a file in place of the store's; NULL */
	const char *places;   /* the same for the metadata's */
	const char *report;   /* a file in place of /run's; NULL */
	unsigned deadline_ms; /* for all of it; 0: what elfcast.conf says */
	bool has_max_bytes;
	uint64_t max_bytes;	/* asked for; else what elfcast.conf says */
	uint64_t reserve_bytes; /* of memory, left available */
	bool no_metadata;
	bool no_eager;	 /* not what the boot itself needs, while it boots */
	bool only_eager; /* and nothing after that */
	bool early;	 /* with only_eager: somebody comes later, and is told: early.c */
	bool own_mounts; /* a mount namespace was made, before process 1 had a /run */
	bool deaf;	 /* to signals that would end it */
};

enum boot_outcome {
	BOOT_UNFINISHED, /* the part was left behind, or died */
	BOOT_READ,	 /* share->prefetch tells how much */
	BOOT_OFF,	 /* in elfcast.conf */
	BOOT_NO_PACK,
	BOOT_BAD_PACK, /* share->error: why it is not used */
	BOOT_FAILED,   /* share->error: why nothing could be read */
};

enum boot_stop {
	BOOT_STOP_NONE,
	BOOT_STOP_DEADLINE,
	BOOT_STOP_SIGNAL,
	BOOT_STOP_PRESSURE, /* others wait for memory */
	BOOT_STOP_MEMORY,   /* the reserve */
	BOOT_STOP_BUDGET,   /* max_bytes */
};

enum { BOOT_NAMED = 16, BOOT_NAME_BYTES = 512, BOOT_FATES = 16384 };

/* What a part has done so far. */
struct boot_counts {
	_Atomic uint64_t pages_asked, bytes_read, cpu_us;
	_Atomic uint32_t n_yields;   /* times that others' reading was waited for */
	_Atomic uint64_t yielded_us; /* how long altogether */
	_Atomic int stop;	     /* enum boot_stop, of what it finds itself */
};

/* Of these, what was done during the boot; us: when that was over, since the start. */
struct boot_eager {
	_Atomic uint64_t pages_asked, bytes_read, us;
	_Atomic uint64_t from_us, until_us; /* CLOCK_MONOTONIC; 0: not read */
	_Atomic uint32_t n_passed, n_used;  /* files: opens.h; 0: nobody has looked */
};

/*
 * What became of each object of a container when the boot's part of it was read. Of more than
 * BOOT_FATES nothing is told.
 */
struct boot_fates {
	uint64_t xxh3;		   /* which container: the sum in its header */
	uint32_t n;		   /* 0: that part was not read */
	uint8_t skips[BOOT_FATES]; /* enum object_skip */
};

/* What a part had done at a moment. */
struct boot_sample {
	uint32_t us; /* since the start */
	uint32_t asked_pages, read_kib;
};

enum { BOOT_SAMPLES = 256 };

/* In order. Where there would be more, every other one goes, and they lie farther apart. */
struct boot_timeline {
	_Atomic uint32_t n;
	uint32_t apart_us;
	struct boot_sample samples[BOOT_SAMPLES];
};

/* S follows the last one; where it says less, no less than that. */
void boot_timeline_add(struct boot_timeline *t, struct boot_sample s);

/*
 * What the parts tell the supervisor, in memory that they share: it is there to be read
 * when a part hangs. The supervisor believes nothing of it: see boot_share_take().
 */
struct boot_share {
	/* As soon as elfcast.conf was read, which is told by a byte; 0 before. */
	_Atomic unsigned deadline_ms;
	_Atomic uint64_t max_bytes;
	struct boot_counts metadata, data, own;
	struct boot_timeline metadata_timeline, data_timeline, own_timeline;
	struct boot_eager metadata_eager, data_eager, own_eager;
	/* An early run's work was gone on with: its counts are to be added. */
	_Atomic uint8_t data_continued, metadata_continued, own_continued;
	uint64_t early_pages_asked;	/* of data_eager's, by that run */
	_Atomic uint64_t n_eager_pages; /* of n_pages: what the boot itself needs */
	_Atomic uint64_t eager_key;	/* boots_key() of that */
	_Atomic uint64_t pack_sum;	/* shadow_buffer_sum() of the pack */
	_Atomic int
		plan; /* enum boot_plan, when part->plan_fd hangs up; BOOT_PLAN_NONE before */
	_Atomic uint32_t n_launches, n_objects;
	_Atomic uint64_t n_pages;     /* in the pack */
	_Atomic uint8_t from_usr;     /* true where not 0: a bool has two values only */
	_Atomic uint64_t metadata_us; /* what the metadata part took; 0: it did not end */
	/* At its end. */
	_Atomic int outcome; /* enum boot_outcome; written last */
	int error;
	uint32_t n_extents_asked;
	struct boot_fates data_fates, metadata_fates; /* with early: of these runs */
	uint32_t n_skips[OBJECT_SKIPS];		      /* objects */
	uint32_t n_named;
	struct {
		uint32_t why; /* enum object_skip */
		char path[BOOT_NAME_BYTES];
	} named[BOOT_NAMED]; /* the first ones that were skipped */
};

/* A copy for the supervisor, each field within what a part can mean, each string ended and plain. */
void boot_share_take(const struct boot_share *from, struct boot_share *ret);
/* 0: not told yet. */
unsigned boot_share_deadline_ms(const struct boot_share *s);

/* What the supervisor found. */
struct boot_end {
	enum boot_stop stop;
	uint64_t start_us; /* CLOCK_MONOTONIC; of the first run */
	uint64_t elapsed_us;
	char boot_id[BOOT_ID_BYTES + 1]; /* "": not known */
	bool left_behind;		 /* a part did not end */
};

/* Exit status. */
int boot_supervise(const struct boot_options *o);

/* What a part gets. */
struct boot_part {
	const struct boot_options *options;
	struct boot_share *share;
	const struct boot_share *early; /* what an early run left; NULL */
	uint64_t start_us;		/* of the supervisor, CLOCK_MONOTONIC */
	int stop_fd;			/* readable or hung up: end soon */
	int told_fd; /* a byte goes there when the share has the deadline; closed at the end */
	int ready_fd;  /* closed when the other part may go on; -1: nobody waits */
	int eager_fd;  /* hangs up when the other part has read what the boot needs; -1 */
	int before_fd; /* hangs up when the other part is ready, or has ended; -1 */
	/* The data part's: closed when share->plan is told; the other's: hangs up then. -1. */
	int plan_fd;
};

/* What to do with what the boot itself needs, whose key is share->eager_key; sets share->plan. */
void boot_make_plan(const struct boot_part *part, const struct store *store,
		    enum boot_wish wish);

/* Each in a process of its own, with descriptors of its own. */
void boot_metadata_part(const struct boot_part *part);
void boot_data_part(const struct boot_part *part);
void boot_own_part(const struct boot_part *part);

/*
 * Until nobody else reads ahead below this root, UNTIL_US, or one of SIGNALS, which *RET_STOP then
 * says. From here on others wait as long as the descriptor is open; negative: nobody can be waited
 * for.
 */
int boot_early_wait(const struct boot_options *o, int signals, uint64_t until_us,
		    enum boot_stop *ret_stop);
/* What an early run has left. False: nothing that can be used. */
bool boot_early_load(const struct boot_options *o, struct boot_share *ret);
/* Leave it: 0 or negative errno. With own_mounts this process is in process 1's mounts then. */
int boot_early_leave(const struct boot_options *o, const struct boot_share *told);
void boot_early_take_away(const struct boot_options *o);
/*
 * Both runs in the timelines of TOLD, which began at START_US: before boot_early_add(). When the
 * first one did, which is what they count from then.
 */
uint64_t boot_timelines_join(struct boot_share *told, const struct boot_share *early,
			     uint64_t start_us);
/* Both runs in one report. */
void boot_early_add(struct boot_share *told, const struct boot_share *early);

/* What the boot's part took, which has just ended: COUNTS, and the time since START_US. */
void boot_eager_put(struct boot_eager *e, const struct boot_counts *counts,
		    uint64_t start_us);
/* SKIPS of the objects of B; NULL: that part was not read. */
void boot_fates_put(struct boot_fates *f, const struct shadow_buffer *b,
		    const uint8_t *skips);
/* Borrowed; NULL when they are not of B. */
const uint8_t *boot_fates_get(const struct boot_fates *f, const struct shadow_buffer *b);

/* One line to stderr; more with --verbose. */
void boot_log(const struct boot_options *o, const struct boot_share *share,
	      const struct boot_end *end);
/* 0 or negative errno. */
int boot_write_report(const struct boot_options *o, const struct boot_share *share,
		      const struct boot_end *end);

#endif
