/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks of file systems' own that a boot of this machine read: directories in which it looked for
 * what is not there, bitmaps, inodes of files that no profile names. No file tells of them, and each
 * is a wait behind what is read ahead. Kept in boot.blocks, a container of places; compile adds them
 * to what is read before all else. A block that has become another one costs a read, and no more.
 */
#ifndef ELFCAST_BOOT_BLOCKS_H
#define ELFCAST_BOOT_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store.h"

/* Of more pages nothing is noted: 64 MiB. */
enum { BOOT_BLOCKS_PAGES = 1 << 14 };

/* What was read of block device DEV; sectors of 512 bytes, of the disk if it is a partition. */
struct boot_blocks {
	dev_t dev;
	uint64_t first_sector, n_sectors;
};

/*
 * Add the N reads BLOCKS, as far as they are of mounted file systems of the ext family, to what was
 * noted before of these: a boot for which that was read ahead does not read it again, and what it
 * was seen to read is only what was missing. 0 or negative errno.
 */
int boot_blocks_add(const struct store *s, const struct boot_blocks *blocks, size_t n);

#endif
