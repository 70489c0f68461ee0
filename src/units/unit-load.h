/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unit files below a root, as systemd would find them: directories by precedence, aliases,
 * templates, masks, drop-ins, .wants and .requires. Read from disk alone, so that it works
 * for a machine that is not running; of a running one, what generators made for this boot is
 * in /run. libc only.
 */
#ifndef ELFCAST_UNIT_LOAD_H
#define ELFCAST_UNIT_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "mounts.h"
#include "store.h"

#define UNIT_DIRS 12

/* One name in a directory of units. */
struct unit_entry {
	char *name;
	char *target; /* of a link; NULL: a file or directory */
};

struct unit_dir {
	const char *path;
	struct unit_entry *entries; /* sorted by name */
	size_t n, capacity;
};

/* Where units lie, each directory listed once. */
struct unit_paths {
	int rootfd;
	const char *root_path;
	const struct mounts *mounts;
	struct unit_dir dirs[UNIT_DIRS]; /* the first one that has a name decides */
};

/* Borrows S and M. A directory that is not there, or not local, is empty. -ENOMEM. */
int unit_paths_load(const struct store *s, const struct mounts *m, struct unit_paths *ret);
void unit_paths_done(struct unit_paths *p);
/* Whether a walk to PATH, below the root, stays on local file systems. Lexical. */
bool unit_paths_reach(const struct unit_paths *p, const char *path);

struct unit {
	char *name; /* what aliases lead to */
	bool found; /* there is a file of it, and it is not masked */
	bool default_dependencies, on_bus;
	bool cannot_start;	/* a condition that files decide does not hold */
	struct name_list needs; /* Wants=, Requires=, …, and the directories */
	struct name_list after, before;
	struct name_list
		commands; /* values of ExecCondition=, ExecStartPre=, ExecStart=, … */
	struct name_list services; /* Service= of a socket */
};

/* The unit called NAME, whatever it is. *RET is to be freed in any case. -ENOMEM. */
int unit_load(const struct unit_paths *p, const char *name, struct unit *ret);
void unit_done(struct unit *u);

/* "service" of "a@b.service"; "" where there is none. Borrowed. */
const char *unit_type(const char *name);

#endif
