/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/PID/maps, a mapping at a time: proc_pid_maps(5). Addresses come in ascending order,
 * also while PID maps and unmaps. Names are chosen by who is looked at, and are of any length;
 * what a name means is left to the caller.
 */
#ifndef ELFCAST_PROC_MAPS_H
#define ELFCAST_PROC_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "bounds.h"

struct proc_mapping {
	uint64_t start, end; /* addresses; START is below END */
	bool is_code;	     /* private, and may be executed */
	uint64_t off;	     /* in the file, bytes */
	dev_t dev; /* the superblock's, which is not stat's on btrfs and overlayfs */
	ino_t ino; /* 0: no file */
	/*
	 * "" without a name. A newline in a path shows as \012, and so does \012 itself. Of a
	 * path longer than LIMIT_PATH_BYTES one byte more than that at least is here: it is
	 * nobody's path. Borrowed from the reader, until the next mapping.
	 */
	const char *name;
};

struct proc_maps {
	FILE *file;
	char line[128 + LIMIT_PATH_BYTES + 2]; /* numbers, a name one byte too long, NUL */
};

/* PID 0: this process. 0, or negative errno with nothing to be closed. */
int proc_maps_open(pid_t pid, struct proc_maps *ret);
/* Takes FILE, which holds such text. */
void proc_maps_init(struct proc_maps *ret, FILE *file);
/* The next mapping. False: there are no more, or PID has ended. Other lines are passed over. */
bool proc_maps_next(struct proc_maps *m, struct proc_mapping *ret);
void proc_maps_done(struct proc_maps *m);

#endif
