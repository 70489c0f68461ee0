/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long launches took that began with a cold cache: those that were read ahead, and a few that
 * were left alone to see what the others gain. elfcastd writes it, into the state directory
 * (elfcast-launch-times(5)). libc only.
 */
#ifndef ELFCAST_LAUNCH_TIMES_H
#define ELFCAST_LAUNCH_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "store.h"

/* One of so many launches is of the other kind. */
#define LAUNCH_TIMES_CONTROL 16u
/* The first of them comes when so many are known of the usual kind. */
#define LAUNCH_TIMES_FIRST   2u

struct launch_time {
	char *program; /* canonical path */
	uint32_t ms;   /* from the exec to the end of the process, 0 .. LIMIT_LAUNCH_MS */
	bool was_read; /* ahead; else it was left alone */
};

struct launch_times {
	struct launch_time items[LIMIT_LAUNCH_TIMES]; /* the last one is the last one */
	size_t n;
};

/* The oldest one makes room. -EINVAL: no path that the file can hold; -ENOMEM. */
int launch_times_add(struct launch_times *t, const char *program, uint32_t ms,
		     bool was_read);
void launch_times_done(struct launch_times *t);

/*
 * Whether the next cold launch of PROGRAM is to be read ahead; USUALLY: whether they are. Who was
 * never timed (it does not end by itself) is never an exception.
 */
bool launch_times_plan(const struct launch_times *t, const char *program, bool usually);

/* -ENOENT: no file; -EBADMSG, -ESTALE, -E2BIG, -EPERM, …: nothing that can be used. *RET is empty then. */
int launch_times_load(const struct store *s, struct launch_times *ret);

/* The text, checked completely; every text that is accepted is what would be written. */
int launch_times_parse(const char *text, size_t bytes, struct launch_times *ret);
/* New string. -ENOMEM. */
int launch_times_format(const struct launch_times *t, char **ret, size_t *ret_bytes);

#endif
