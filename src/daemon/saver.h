/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes the launch counts, and the launches' times, in a thread of its own: fsync() takes as long as
 * the disk likes, and who watches launches has no time for that. libc only.
 */
#ifndef ELFCAST_SAVER_H
#define ELFCAST_SAVER_H

#include <pthread.h>
#include <stdbool.h>

#include "launch-counts.h"
#include "launch-times.h"
#include "store.h"

struct saver {
	const struct store *store;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* To be written next; NULL: nothing. */
	struct saver_text {
		char *text;
		size_t bytes;
	} launches, times;
	bool is_running; /* the thread */
	bool is_writing;
	int error; /* of the last one that was written */
	int done; /* eventfd, readable when one was written; the owner's to wait for and to read */
};

/*
 * STORE is borrowed until the process ends, S too. Where there is no thread to be had, each is
 * written at once. Negative errno: no descriptor.
 */
int saver_start(struct saver *s, const struct store *store);
/*
 * Have COUNTS written, in place of those that still wait, and TIMES, unless NULL: they are as they
 * were. -ENOMEM.
 */
int saver_put(struct saver *s, const struct launch_counts *counts,
	      const struct launch_times *times);
/* How the last writing went: 0 or negative errno. */
int saver_result(struct saver *s);
/* Until all is written; then as saver_result(). */
int saver_finish(struct saver *s);

#endif
