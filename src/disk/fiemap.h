/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the bytes of an open file or directory lie on its device: the only file that knows
 * FIEMAP. Only as good as the moment: a file may be moved, and what was written a moment ago
 * has no place yet. libc only.
 */
#ifndef ELFCAST_FIEMAP_H
#define ELFCAST_FIEMAP_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the file that lie in a row on the device. */
struct fiemap_run {
	uint64_t file_off, device_off, n_bytes;
};

struct fiemap_runs {
	struct fiemap_run *items; /* by file_off, disjoint, none empty */
	size_t n, capacity;
};

/*
 * Runs of the whole file, joined where they touch in both. Left out are holes and what has
 * no place of its own (yet): delayed allocation, data within the inode. Nothing is written
 * back for it. More than LIMIT_FIEMAP_RUNS: the first ones. *RET must be empty. 0, -ENOMEM,
 * or why the file system cannot tell: -EOPNOTSUPP, -ENOTTY, …
 */
int fiemap_read(int fd, struct fiemap_runs *ret);
void fiemap_runs_done(struct fiemap_runs *r);

/* The run that has byte FILE_OFF or, where none has, the next one; NULL: none follows. */
const struct fiemap_run *fiemap_find(const struct fiemap_runs *r, uint64_t file_off);

#endif
