/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether others read from our disks: what the disks have read since they were added, less
 * what we had them read. A lower bound, since requests of ours that are under way have been counted
 * as ours and not yet by the disk; it is exact whenever nothing of ours is in flight. Takes
 * two reads of small files, about 5 us. libc only.
 */
#ifndef ELFCAST_DISK_READS_H
#define ELFCAST_DISK_READS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mounts.h"
#include "shadow-read.h"

#define DISK_READS_DISKS 8

struct disk_reads {
	int io_fd; /* /proc/PID/io of this process, borrowed */
	int sysfd;
	unsigned n_disks; /* 0: there is no telling, nobody ever reads */
	dev_t disks[DISK_READS_DISKS];
	const _Atomic uint64_t *also_ours; /* bytes that another process of ours read */
	int64_t most;			   /* bytes of others that have been seen */
};

/* IO_FD: /proc/self/io; SYSFD: /sys. Both are borrowed. No disks yet. */
void disk_reads_init(struct disk_reads *d, int io_fd, int sysfd,
		     const _Atomic uint64_t *also_ours);
/* The disk below PATH (below ROOT_PATH), and those below S's objects, if MOUNTS and /sys can
 * name them. The paths are not looked up.
 */
void disk_reads_add_path(struct disk_reads *d, const struct mounts *mounts,
			 const char *root_path, const char *path);
void disk_reads_add_objects(struct disk_reads *d, const struct mounts *mounts,
			    const char *root_path, const struct shadow *s);

/* Bytes that the process behind IO_FD had block devices read. 0 where not counted. */
uint64_t disk_reads_own(int io_fd);

/* Whether others have read since the last call. Not to be called by two threads at once. */
bool disk_reads_by_others(struct disk_reads *d);
/* Whether a read is under way, which nothing of ours may be: who waits long for one has read nothing yet. */
bool disk_reads_in_flight(const struct disk_reads *d);

#endif
