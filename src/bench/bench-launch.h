/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes made to be measured: a launch, and the prefetcher beside it. Each has a process
 * group of its own, which ends with it. What outlives its parent is only noticed where the
 * caller is a subreaper (PR_SET_CHILD_SUBREAPER).
 */
#ifndef ELFCAST_BENCH_LAUNCH_H
#define ELFCAST_BENCH_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "launch-shadows.h"
#include "mounts.h"

struct measured {
	pid_t pid; /* 0: none */
	int pidfd;
	int message_fd; /* what the child has to say; a few bytes */
	uint64_t start_us;
	bool has_terminal; /* it is the terminal's foreground process group */
};

/* Of the process and of those that it waited for, from its start to its end. */
struct measured_cost {
	uint64_t wall_us, cpu_us;
	uint64_t n_major, n_minor; /* page faults */
};

struct measured_limits {
	unsigned timeout_ms;
	int interrupt_fd; /* readable: stop; -1: none */
};

struct measured_launch {
	const char *program; /* path */
	char *const *argv;
	bool inherit_stdio;   /* else stdin, stdout and stderr are /dev/null */
	const sigset_t *mask; /* signals that the program is to find blocked */
};

/* What a prefetcher did. */
struct measured_prefetch {
	uint64_t n_pages, elapsed_us;
	uint32_t n_used, n_skipped; /* objects */
};

/* 0 or negative errno; what cannot be executed is found out by measured_wait(). */
int measured_start_launch(const struct measured_launch *o, struct measured *ret);

/* Read ahead for all of LIST. WAIT: until the data is there. */
int measured_start_prefetch(const struct launch_shadows *list, const struct store *s,
			    const struct mounts *mounts, unsigned deadline_ms, bool wait,
			    struct measured *ret);

/*
 * Wait for the end and end all that is left of its group. 0: it ended, *ret_status is as
 * of wait(2); -ETIMEDOUT, -EINTR: it was killed because of LIMITS; or why the program could
 * not be executed. A process that not even SIGKILL ends within seconds is left behind.
 */
int measured_wait(struct measured *m, const struct measured_limits *limits,
		  struct measured_cost *ret, int *ret_status);

/* The same for a prefetcher; -EIO when it failed. */
int measured_wait_prefetch(struct measured *m, const struct measured_limits *limits,
			   struct measured_cost *ret, struct measured_prefetch *ret_done);

/* Kill it, if there is one. */
void measured_done(struct measured *m);

#endif
