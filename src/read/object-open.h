/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From an object of a shadow to the open file, if it still is the file that was compiled:
 * ARCHITECTURE.md, rules 1 and 5. Touches no file system that could hang. libc only, no allocation.
 */
#ifndef ELFCAST_OBJECT_OPEN_H
#define ELFCAST_OBJECT_OPEN_H

#include <sys/stat.h>

#include "mounts.h"
#include "shadow-read.h"

/* What became of one object. */
enum object_skip {
	OBJECT_USED = 0,    /* its pages were asked for */
	OBJECT_NOT_VALID,   /* not usable when compiled */
	OBJECT_NOT_LOCAL,   /* mount table: not on the allow-list */
	OBJECT_GONE,	    /* no such file, or a link in its path */
	OBJECT_NOT_REGULAR, /* directory, FIFO, device, or empty */
	OBJECT_CHANGED,	    /* identity and build-id differ */
	OBJECT_DENIED,	    /* cannot be opened: permissions, descriptors */
	OBJECT_FAILED,	    /* I/O error */
	OBJECT_NOT_REACHED, /* stopped before: deadline, budget */
	OBJECT_NO_PAGES,    /* valid, but no page of it is worth reading; not opened */
	OBJECT_SKIPS,
};

struct object_place {
	int rootfd;
	const char *root_path; /* canonical, for the mount table; "/" */
	const struct mounts *mounts;
};

/*
 * Open the regular file at PATH (below the root, canonical) for reading. *ret_skip is
 * OBJECT_USED and *ret_fd, *ret_st are set, or it says why not. 0, or -EMFILE, -ENFILE
 * (OBJECT_DENIED) when only descriptors are lacking.
 */
int object_open(const struct object_place *place, const char *path, int *ret_fd,
		struct stat *ret_st, enum object_skip *ret_skip);

/*
 * Open the block device below what is mounted at PATH, if that is the file system that O, an
 * object of places, was made from. The results are those of object_open(); *ret_st has the
 * size of the file system and, as st_dev, the number of the device.
 */
int object_open_device(const struct object_place *place, const struct shadow_object *o,
		       const char *path, int *ret_fd, struct stat *ret_st,
		       enum object_skip *ret_skip);

/* OBJECT_USED when the file with status ST is the one of this machine's own that O is about. */
enum object_skip object_check_own(const struct shadow_object *o, const struct stat *st);
/* OBJECT_USED when the file open at FD, with status ST, is the one that O was made from.
 */
enum object_skip object_check(const struct shadow_object *o, const struct stat *st, int fd);

/* Whether there is a regular file, without opening it; also where that may not be asked. */
bool object_is_there(const struct object_place *place, const char *path);
const char *object_skip_text(enum object_skip skip);

#endif
