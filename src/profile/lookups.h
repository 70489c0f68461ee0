/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a launch looks at without reading it: names in directories, whether they are there or
 * not, and directories whose names it lists. With evidence: in how many runs.
 */
#ifndef ELFCAST_LOOKUPS_H
#define ELFCAST_LOOKUPS_H

#include <stddef.h>
#include <stdint.h>

struct lookup_name {
	char *name;
	uint32_t runs; /* at least 1 */
};

struct lookup_dir {
	char *path;	 /* canonical, "/" too */
	uint32_t listed; /* in how many runs its names were listed; 0: in none */
	struct lookup_name *names;
	size_t n, capacity;
};

/*
 * Sorted: directories by path, names by their bytes; none twice, and no directory without a
 * name that is not listed. All zero is empty.
 */
struct lookups {
	struct lookup_dir *dirs;
	size_t n, capacity;
};

void lookups_done(struct lookups *l);

/* Append a directory behind all others (valid until the next one), a name behind those of D. NULL,
 * -ENOMEM. */
struct lookup_dir *lookups_add_dir(struct lookups *l, const char *path, size_t bytes,
				   uint32_t listed);
void lookups_drop_last(struct lookups *l);
int lookup_dir_add(struct lookup_dir *d, const char *name, size_t bytes, uint32_t runs);
/* Names in any order to theirs; the first that is there twice, or NULL. */
const char *lookup_dir_sort(struct lookup_dir *d);

size_t lookups_count(const struct lookups *l); /* names */
size_t lookups_count_listed(const struct lookups *l);

/*
 * Leave out the directories of most text until what is left takes at most BYTES in a profile.
 * *ret_names, in *ret_dirs directories, are left out. -ENOMEM.
 */
int lookups_fit(struct lookups *l, size_t bytes, size_t *ret_names, size_t *ret_dirs);

/* Runs are added. Both are sorted; *RET must be empty. -ENOMEM. */
int lookups_merge(const struct lookups *a, const struct lookups *b, struct lookups *ret);

/* Why NAME cannot be one in a directory, PATH none of a directory; NULL: it can. */
const char *lookup_name_problem(const char *name);
const char *lookup_path_problem(const char *path);

#endif
