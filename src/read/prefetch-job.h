/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A parsed shadow to readahead calls. This folder alone knows readahead and its relatives.
 * libc only. Allocates once at its start, nothing after.
 */
#ifndef ELFCAST_PREFETCH_JOB_H
#define ELFCAST_PREFETCH_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "mounts.h"
#include "object-open.h"
#include "shadow-read.h"

struct prefetch_options {
	int rootfd;	       /* paths are below it */
	const char *root_path; /* canonical path of rootfd, for the mount table; "/" */
	unsigned n_threads;    /* 0: default */
	uint64_t max_pages;    /* 0: no limit */
	unsigned deadline_ms;  /* 0: none. Return then, whatever the workers do */
	bool wait;	       /* until the data has arrived, not only been asked for */
	/*
	 * In the background: a few requests at a time, as many as the storage needs to be
	 * kept busy, each waited for; for what a launch does not wait for. n_threads and
	 * wait are not looked at.
	 */
	bool gentle;
	/* With gentle: it is being waited for, by a boot that reads from the same disk. */
	bool eager;
	/*
	 * With gentle, may be NULL: whether to go on. Asked at the start, after each reading
	 * that had to wait for the disk, and every few MiB; by several threads, may sleep.
	 * False ends the run: what is left is NOT_REACHED.
	 */
	bool (*go_on)(void *userdata, uint64_t pages_asked);
	/*
	 * May be NULL. Told by several threads, each object once: the file of object INDEX is open
	 * at FD, which is borrowed, and nothing of it was asked for yet.
	 */
	void (*on_open)(void *userdata, uint32_t index, int fd);
	void *userdata; /* with deadline_hit in use until the process ends */
};

struct prefetch_report {
	uint32_t n_objects, n_objects_used;
	uint32_t n_extents_asked;
	uint64_t n_pages_asked;
	uint64_t elapsed_us;
	bool deadline_hit;
	bool stopped; /* by go_on, or because reading ahead gains nothing there */
	/* enum object_skip per object, n_objects items; owned, free() it. */
	uint8_t *skips;
};

/*
 * Read ahead what S holds, extents in their order, from files whose identity matches; of
 * places from the devices below file systems that are still the same.
 * Returns when all calls were made (without wait, data may still be in flight) or at the
 * deadline; workers stuck in the kernel are then left behind and may still read the bytes
 * that S was parsed from and MOUNTS: with deadline_hit the caller must keep both until the
 * process ends. S itself, the options and the report are not used after the return.
 * Raises the soft limit of descriptors. 0, -ENOMEM, -EAGAIN (no thread), -EMFILE.
 */
int prefetch_run(const struct shadow *s, const struct mounts *mounts,
		 const struct prefetch_options *options, struct prefetch_report *ret);

#endif
