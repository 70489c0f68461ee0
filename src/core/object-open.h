/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From an object of a shadow to the open file, if it still is the file that was compiled:
 * DESIGN rules 1 and 5. Touches no file system that could hang. libc only, no allocation.
 */
#ifndef ELFCAST_OBJECT_OPEN_H
#define ELFCAST_OBJECT_OPEN_H

#include <sys/stat.h>

#include "mounts.h"
#include "prefetch.h"
#include "shadow-read.h"

struct object_place {
	int rootfd;
	const char *root_path; /* canonical, for the mount table; "/" */
	const struct mounts *mounts;
};

/*
 * Open the regular file at PATH (below the root, canonical) for reading. *ret_skip is
 * PREFETCH_USED and *ret_fd, *ret_st are set, or it says why not. 0, or -EMFILE, -ENFILE
 * (PREFETCH_DENIED) when only descriptors are lacking.
 */
int object_open(const struct object_place *place, const char *path, int *ret_fd,
		struct stat *ret_st, enum prefetch_skip *ret_skip);

/*
 * Open the block device below what is mounted at PATH, if that is the file system that O, an
 * object of places, was made from. The results are those of object_open(); *ret_st has the
 * size of the file system and, as st_dev, the number of the device.
 */
int object_open_device(const struct object_place *place, const struct shadow_object *o,
		       const char *path, int *ret_fd, struct stat *ret_st,
		       enum prefetch_skip *ret_skip);

/* PREFETCH_USED when the file open at FD, with status ST, is the one that O was made from.
 */
enum prefetch_skip object_check(const struct shadow_object *o, const struct stat *st,
				int fd);

#endif
