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

#include "functions.h"
#include "recording.h"

struct trace_user; /* see tracee.h */

struct trace_options {
	unsigned window_ms; /* recording ends then, and the launch is ended */
	bool until_rare;    /* or before, when new pages have become rare */
	/*
	 * Recording begins when the launch executes this program (absolute path), and is of its process
	 * and the children of that. NULL: PROGRAM.
	 */
	const char *of;
	bool of_itself; /* not of what that is there for, see command-line.h */
	/* What the launch looks up is recorded as well: it waits for us about twice as often. Not with TRACE_EXIT. */
	bool lookups;
	/*
	 * Of which it is seen whether they run: by breakpoints, which touch the pages that they are on, so that no page of such
	 * a recording is evidence. NULL: of none. What is known of them is in the result.
	 */
	struct functions *functions;
	/* Else stdin and stdout are /dev/null, and of stderr we keep the end. */
	bool inherit_stdio;
	/*
	 * TRACE_UFFD falls back to TRACE_PTE, and that to TRACE_PAGEMAP. With TRACE_EXIT the launch stops where it executes
	 * programs and where its processes end, and nowhere else: no reads, no order, no end by itself.
	 */
	enum trace_method method;
	const struct trace_user *user; /* whom to run it as; NULL: as who we are */
};

/*
 * Run PROGRAM (path) with ARGV and record it. 0, or negative errno: -ENOENT …: cannot be
 * executed; -EPERM: may not be traced; -EINTR: SIGINT or SIGTERM came (the launch is ended);
 * -ETIMEDOUT: recording hung, in a file system that does not answer. Never takes longer than
 * the window and 10 s more; a signal ends it within 2 s. What still runs then has been killed.
 * Left out already: pseudo file systems, tmpfs, deleted files, files modified since the
 * start, /tmp and /var/tmp.
 */
int trace_launch(const char *program, char *const argv[],
		 const struct trace_options *options, struct trace_result *ret);

#endif
