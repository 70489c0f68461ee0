/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts about the files that a profile names: a stat, an open, and one or two small reads each. */
#ifndef ELFCAST_FACTS_H
#define ELFCAST_FACTS_H

#include "bounds.h"
#include "compile-shadow.h"
#include "last-dir.h"
#include "mounts.h"
#include "names.h"

struct facts_context {
	int rootfd;
	const char *root_path; /* canonical, for the mount table */
	struct mounts *mounts;
	int storage_override; /* enum storage_class, or -1 to detect */
	void *cache;	      /* NULL at first: most profiles name the same libraries */
	struct last_dir dir;  /* zero at first */
};

/*
 * Fill *RET for the file at PATH; problems are in ret->error, the function cannot fail. Each
 * file is looked at once in the life of C.
 */
void facts_read(struct facts_context *c, const char *path, bool want_buildid,
		struct file_facts *ret);
/*
 * The same for the file of O, and whether it is another than its build-id says: that survives what
 * moves each page, as patchelf does. A file of another size is the one that was trained when it ends
 * where that did, as its headers say, and something was put behind it (elfcast embed).
 */
void facts_read_object(struct facts_context *c, const struct profile_object *o,
		       struct file_facts *ret);
void facts_done(struct facts_context *c);

/*
 * Canonical path of what PATH leads to below the root, links followed; PATH itself where it leads
 * nowhere. RET_LINKS, if not NULL, gets all links on the way, and what was not there: as long as these
 * are as they are, it leads there still. 0 or -ENOMEM.
 */
int facts_follow(const struct facts_context *c, const char *path,
		 struct name_list *ret_links, char ret[static LIMIT_PATH_BYTES + 1]);

/* Class of the storage below FULL_PATH (see there), or the override. */
enum storage_class facts_storage(const struct facts_context *c, const char *full_path);

/* PATH below the root as this process sees it, for the mount table. 0, -ENAMETOOLONG. */
int facts_full_path(const struct facts_context *c, const char *path, char *ret,
		    size_t bytes);

#endif
