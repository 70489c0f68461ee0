/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the whole machine reads from local disks for some time, page by page: a boot. Events of
 * the page cache (tracefs.h) tell device, inode and page; notifications of opened files, and
 * at the start what is open and mapped already, tell which file that is. Linux 6.10, root.
 */
#ifndef ELFCAST_TRACE_SYSTEM_H
#define ELFCAST_TRACE_SYSTEM_H

#include "recording.h"

struct trace_system_options {
	unsigned duration_ms;
	/*
	 * No setting of the kernel's is changed, and the system is as fast as ever. What is read
	 * is seen as it is; of what is mapped, some of the touches: mapped-along.h.
	 */
	bool light;
	void (*on_start)(void *userdata); /* recording has begun; may be NULL */
	void *userdata;
};

struct trace_system_report {
	/*
	 * First touches are all seen. Else (fault-around cannot be turned off) only of pages
	 * that were not cached before: read-ahead was off in its place.
	 */
	bool exact;
	/* Pages in large folios (large-folios.h): others of the same folios may be missing. */
	uint64_t n_large;
	uint64_t n_events;
	uint64_t n_lost;    /* events: buffers were full */
	uint64_t n_unknown; /* events of files on local disks whose path was not learnt */
	/* Files opened meanwhile whose paths were lost: a full queue, or more than we keep. */
	unsigned n_overflows;
	unsigned n_clashes; /* files that share device and inode number: left out */
	size_t n_left_out;  /* objects: last to be touched, more than a profile can hold */
};

/*
 * Record for duration_ms, or until SIGTERM, SIGINT or SIGHUP. 0, or negative errno: those of
 * tracefs_start(), fanotify_init(2), -ENOMEM. Left out: what trace_launch() leaves out, and
 * remote file systems. RET is to be freed with trace_result_done().
 */
int trace_system(const struct trace_system_options *options, struct trace_result *ret,
		 struct trace_system_report *ret_report);

/*
 * Keep the objects that are touched first, as many as a profile can hold; their number and
 * order stay otherwise. Returns how many were dropped.
 */
size_t trace_system_limit(struct trace_result *r);

#endif
