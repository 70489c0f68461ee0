/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The paths that a launch asked for while it ran, as it named them, each once. Nothing is asked
 * of a file system here: what they lead to is walk-paths.h's, when the launch has ended.
 */
#ifndef ELFCAST_ASKED_PATHS_H
#define ELFCAST_ASKED_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ASKED_FOLLOWED = 1, /* a link at its end was followed */
	ASKED_LISTED = 2,   /* a directory whose names were listed; canonical */
	ASKED_ELSEWHERE =
		8, /* on a file system that does not count, which may be gone later */
	ASKED_EXECUTED = 4, /* it may be a script, whose interpreter the kernel asked for */
};

struct asked_path {
	char *path;    /* absolute; may hold links, "." and ".." */
	unsigned how;  /* all that was done to it */
	uint64_t hash; /* of the path */
};

struct asked_paths {
	struct asked_path *items;
	size_t n, capacity;
	uint32_t *slots; /* hash table of index + 1, n_slots a power of 2 */
	size_t n_slots;
	size_t n_dropped; /* beyond the limit, or for want of memory; may count one twice */
};

/* Whether it is new. */
bool asked_paths_add(struct asked_paths *a, const char *path, unsigned how);
void asked_paths_done(struct asked_paths *a);

#endif
