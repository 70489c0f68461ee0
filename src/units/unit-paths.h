/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where unit files lie below a root: directories by precedence, each listed once, and the file
 * that a name leads to, through aliases and templates. libc only.
 */
#ifndef ELFCAST_UNIT_PATHS_H
#define ELFCAST_UNIT_PATHS_H

#include <linux/limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "mounts.h"
#include "store.h"

#define UNIT_NAME_BYTES 256
#define UNIT_DIRS	11

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
/* A file or directory of root's that nobody else may write. O_PATH descriptor, -EREMOTE, -EPERM, … */
int unit_paths_open(const struct unit_paths *p, const char *path, struct stat *ret_st);

/* Where a unit's own file is. */
struct unit_file {
	char name[UNIT_NAME_BYTES]; /* of the unit: what aliases lead to */
	char path[PATH_MAX];	    /* "": there is none, or it is masked by a link */
};
void unit_paths_find(const struct unit_paths *p, const char *name, struct unit_file *ret);

/* What lies in RET->path; not to be trusted or not there: empty. -ENOMEM. */
int unit_dir_list(const struct unit_paths *p, struct unit_dir *ret);
void unit_dir_done(struct unit_dir *d);
const struct unit_entry *unit_dir_find(const struct unit_dir *d, const char *name);
int unit_entry_compare(const void *a, const void *b); /* by name */

/* "a@.service" of "a@b.service". False: NAME is no instance. */
bool unit_template(const char *name, char *ret, size_t bytes);
/* "service" of "a@b.service"; "" where there is none. Borrowed. */
const char *unit_type(const char *name);

#endif
