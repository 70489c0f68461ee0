/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes that run already: what they have mapped of files, and is in their page tables. The kernel
 * maps up to 16 cached pages with one that is touched, what was only read is not seen, and the order
 * is not known.
 */
#ifndef ELFCAST_RUNNING_H
#define ELFCAST_RUNNING_H

#include <stddef.h>
#include <sys/types.h>

#include "recording.h"

struct running {
	pid_t *pids;
	size_t n, capacity;
};

void running_done(struct running *r);
/* PID and all that it has started, as far as it still runs under it. -ESRCH, -ENOMEM, … */
int running_below(pid_t pid, struct running *ret);
/* MAIN, and all others of its control group (a service). -ESRCH, -ENOMEM, … */
int running_beside(pid_t main, struct running *ret);

/*
 * The first of them is the program. Those that have ended meanwhile are left out, but for the first:
 * -ESRCH. -EACCES: not ours to look at; -ENOMEM, … *RET must be freed with trace_result_done().
 */
int running_record(const struct running *r, struct trace_result *ret);

#endif
