/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a part goes on, waits or stops. Asked by the threads of core/prefetch. */
#ifndef ELFCAST_PACE_H
#define ELFCAST_PACE_H

#include <pthread.h>
#include <stdint.h>

#include "boot.h"
#include "disk-reads.h"
#include "store.h"

struct pace {
	pthread_mutex_t lock;
	int stop_fd;
	int meminfo_fd;
	uint64_t reserve_bytes;
	int64_t returned_us; /* when it last let somebody go on; 0: never */
	int64_t batch_us;    /* what the longest of the last batches took, at most */
	struct disk_reads disks;
	/*
	 * The first batch after a yield is one thread's alone: with nothing else of ours in
	 * flight the disk's count tells exactly whether others are still at it.
	 */
	bool trial;
	pthread_t trial_thread;
	pthread_cond_t trial_over;
	struct boot_counts *counts;
};

/* Opens what it needs, while the process may. COUNTS is filled as it goes on. */
void pace_init(struct pace *p, const struct boot_part *part, struct boot_counts *counts);

/* Until part->before_fd hangs up, if there is one; part->stop_fd; or MS are over. */
void pace_wait_hangup(const struct boot_part *part, int ms);

/*
 * prefetch_run() at P's pace, until DEADLINE_US. ALSO_OURS: bytes that the other part has
 * read. With ret->deadline_hit nothing that was passed may be freed; *RET's skips are the
 * caller's. 0 or negative errno.
 */
int pace_prefetch(struct pace *p, const struct store *store, const struct shadow *s,
		  const _Atomic uint64_t *also_ours, uint64_t max_pages,
		  uint64_t deadline_us, struct prefetch_report *ret);

/* MemAvailable of the text of /proc/meminfo, in bytes; UINT64_MAX where it does not say. */
uint64_t pace_available_bytes(const char *meminfo);

#endif
