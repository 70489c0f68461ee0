/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One launch, recorded page by page from outside: ptrace with seccomp stops, one injected
 * userfaultfd per address space (turns fault-around off), PAGEMAP_SCAN, and what read() and
 * its relatives touch. Knows the kernel; knows nothing of profiles.
 */
#ifndef ELFCAST_TRACE_H
#define ELFCAST_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "macro.h"

enum trace_method {
	TRACE_UFFD,    /* exact: Linux 6.7 (UFFD_FEATURE_WP_ASYNC, PAGEMAP_SCAN) */
	TRACE_PAGEMAP, /* before: fault-around maps up to 16 pages a touch */
	TRACE_FILEMAP, /* the whole system, by tracepoints: see trace-system.h */
};

/* A file that the launch used. when[pgno] is 0 for untouched, else bucket + 1. */
struct trace_object {
	char *path; /* as the kernel names it: canonical */
	dev_t dev;
	ino_t ino;
	uint64_t size_bytes;
	uint32_t n_pages; /* of the file: items in when */
	uint8_t *when;
};

struct trace_options {
	unsigned window_ms; /* recording ends then, and the launch is ended */
	bool inherit_stdio; /* else stdin, stdout and stderr are /dev/null */
	bool force_pagemap; /* for tests of the fallback */
};

struct trace_result {
	enum trace_method method;
	struct trace_object *objects;
	size_t n_objects, objects_capacity;
	int exit_status;   /* wait status of the program; meaningless with window_ended */
	bool window_ended; /* it still ran at the end of the window and was ended */
	unsigned n_processes;
	unsigned n_unseen;   /* processes that could not be recorded exactly */
	uint64_t elapsed_us; /* from exec to exit or end of window */
};

/*
 * Run PROGRAM (path) with ARGV and record it. 0, or negative errno: -ENOENT …: cannot be
 * executed; -EPERM: may not be traced; -EINTR: SIGINT or SIGTERM came (the launch is ended).
 * Left out already: pseudo file systems, tmpfs, deleted files, files modified since the
 * start, /tmp and /var/tmp.
 */
int trace_launch(const char *program, char *const argv[],
		 const struct trace_options *options, struct trace_result *ret);
void trace_result_done(struct trace_result *r);

#endif
