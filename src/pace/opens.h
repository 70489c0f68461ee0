/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether anybody opens what is read ahead for the boot: the files of a container, in the order of
 * their first extents, which is about that in which the boot opens them. Of those that it has
 * passed by now, it has opened nearly all if the pack is right, and few if that says too much or was made for
 * another system. What the boot had opened before anybody looked is not counted: the files at the start
 * that are in memory. By inotify(7). libc only.
 */
#ifndef ELFCAST_OPENS_H
#define ELFCAST_OPENS_H

#include <stdbool.h>
#include <stdint.h>

#include "shadow-read.h"

struct opens;

/*
 * For the files of S, none of which is looked at yet. -ENOMEM; errors of inotify_init1(2): there is no
 * telling.
 */
int opens_new(const struct shadow *s, struct opens **ret);
/* Not while a job may still call that hangs. */
void opens_free(struct opens *o);

/*
 * From here on it counts when others open object INDEX, which is open at FD. About in the order of first
 * extents, by any thread. Of a few of the first files one page is read.
 */
void opens_watch(struct opens *o, uint32_t index, int fd);

struct opens_count {
	uint32_t n_passed; /* files that count, and that the boot has come past */
	uint32_t n_used;   /* of these, opened since */
};

/* By now. By any thread. */
struct opens_count opens_look(struct opens *o);

/* Pure: enough has been passed, and so little of it is used that going on is in the way. */
bool opens_are_few(const struct opens_count *c);

#endif
