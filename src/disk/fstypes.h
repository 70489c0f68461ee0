/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is known of types of file systems: one row a type, for all who ask. Which mount has
 * which type is mounts.c's, how a type is laid out on its disk ext4.c's. libc only.
 */
#ifndef ELFCAST_FSTYPES_H
#define ELFCAST_FSTYPES_H

#include <stdbool.h>
#include <stdint.h>

struct fstype {
	const char *name; /* as in mountinfo; "" is any other one */
	/*
	 * Answers from this machine's own storage or memory. An overlay on a remote lower
	 * directory looks like any other overlay here: its lookups can hang, and only whoever
	 * mounted it knows.
	 */
	bool local;
	/* Files on it lie on a disk, somewhere: a recorder counts them. Those in memory not. */
	bool on_disk;
	/* Compressed, as one file or device: storage class IMAGE, whatever lies below. */
	bool image;
	/* What is unpacked for one page is a block of up to 1 MiB, all of which stays in the page cache. */
	bool whole_blocks;
	/* Its own blocks can be found by ext4.h, and read ahead from the device. */
	bool ext4_metadata;
	/* Its files are another file system's: pages and, in mappings, numbers are the latter's. */
	bool layered;
	uint32_t magic; /* statfs.f_type where a system may be installed on it, else 0 */
};

/* The row of NAME, or that of any other one: all false. Never NULL. */
const struct fstype *fstype_find(const char *name);
/* The same by statfs.f_type; ext2 and ext3 are ext4 there. */
const struct fstype *fstype_from_magic(uint32_t magic);

#endif
