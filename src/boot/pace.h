/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a part goes on, waits or stops. Asked by the threads of a prefetch job. */
#ifndef ELFCAST_PACE_H
#define ELFCAST_PACE_H

#include <pthread.h>
#include <stdint.h>

#include "boot.h"
#include "disk-reads.h"
#include "opens.h"
#include "store.h"

struct pace {
	pthread_mutex_t lock;
	int stop_fd;
	int meminfo_fd;
	uint64_t start_us; /* of the supervisor */
	uint64_t reserve_bytes;
	uint64_t returned_us; /* when it last let somebody go on; 0: never */
	uint64_t batch_us;    /* what the longest of the last batches took, at most */
	struct disk_reads disks;
	bool eager; /* a boot waits for what is read: nobody's reading is waited for */
	/* With eager, NULL: it is not looked at; that lets it be read to its end. */
	struct opens *opens;
	struct boot_eager *used; /* with opens: what that tells */
	bool is_unused;	       /* it told that the boot uses little of it: nobody went on */
	uint64_t pages_before; /* asked for in runs that are over */
	/*
	 * The first batch after a yield is one thread's alone: with nothing else of ours in
	 * flight the disk's count tells exactly whether others are still at it.
	 */
	bool trial;
	pthread_t trial_thread;
	pthread_cond_t trial_over;
	struct boot_counts *counts;
	struct boot_timeline *timeline; /* the same by time */
};

/*
 * Opens what it needs, while the process may. COUNTS and TIMELINE are filled as it goes on,
 * OTHER are those of the other part, whose reading is ours.
 */
void pace_init(struct pace *p, const struct boot_part *part, struct boot_counts *counts,
	       struct boot_timeline *timeline, const struct boot_counts *other);

/*
 * From here on others' reading from the disks of the system at ROOT_PATH is noticed. Touches
 * none of them.
 */
void pace_watch_disks(struct pace *p, const char *root_path);
/*
 * A boot reads all the time until it is over. Who has read nothing yet need not begin in the
 * middle of it: waits until the disks have been quiet, ten seconds at most. False: stopped
 * meanwhile, or past the deadline of PART's options.
 */
bool pace_wait_quiet(struct pace *p, const struct boot_part *part);
/* What was read in between is told to the other part. */
void pace_publish(struct pace *p);

/* Until FD hangs up, unless it is -1; part->stop_fd does; or UNTIL_US (clock.h). */
void pace_wait_hangup(const struct boot_part *part, int fd, uint64_t until_us);

/* From here on what is eager ends when the boot opens little of it; USED is filled. */
void pace_watch_opens(struct pace *p, const struct shadow *s, struct boot_eager *used);

/* From here on this process and the threads it makes come after all others. */
void pace_step_back(struct pace *p);

/*
 * prefetch_run() at P's pace, until DEADLINE_US: with P->eager of what the boot needs, else of
 * the rest. With ret->deadline_hit nothing that was passed may be freed; *RET's skips are the
 * caller's. 0 or negative errno.
 */
int pace_prefetch(struct pace *p, const struct store *store, const struct shadow *s,
		  uint64_t max_pages, uint64_t deadline_us, struct prefetch_report *ret);

/* MemAvailable of the text of /proc/meminfo, in bytes; UINT64_MAX where it does not say. */
uint64_t pace_available_bytes(const char *meminfo);

#endif
