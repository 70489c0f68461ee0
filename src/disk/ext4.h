/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where on its device an ext2, ext3 or ext4 file system keeps what looking up and opening a
 * file reads: inodes, directories, extent trees. Reads the structures on disk through pread
 * on the block device; on a mounted file system that is the page cache in which the kernel
 * keeps them itself. What it reads may change or be nonsense at any time: the worst that
 * comes of it are blocks that are not worth reading, inside the file system. libc only.
 */
#ifndef ELFCAST_EXT4_H
#define ELFCAST_EXT4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXT4_ROOT_INO 2

struct ext4 {
	int fd; /* borrowed */
	uint8_t uuid[16];
	uint64_t size_bytes, n_blocks;
	uint32_t block_bytes;
	uint32_t n_inodes, n_groups;
	uint32_t blocks_per_group, inodes_per_group, inode_bytes, desc_bytes;
	uint32_t first_data_block, first_meta_bg;
	uint32_t compat, incompat, ro_compat, backup_groups[2];
	/* The group that was asked for last. */
	uint32_t group;
	uint64_t inode_table;
};

/*
 * Read and check the superblock on the device open at FD, which RET borrows. -EBADMSG: no
 * such file system, damaged, or larger than the device. -ENOTSUP: a journal, or no UUID.
 */
int ext4_open(int fd, struct ext4 *ret);

/* Runs of blocks, in the order in which they were found. */
struct ext4_blocks {
	struct ext4_run {
		uint64_t first;
		uint32_t n;
	} * items;
	size_t n, capacity;
};
void ext4_blocks_done(struct ext4_blocks *b);

/* Add the block that inode INO lies in; it is not read. -EINVAL: no such inode. */
int ext4_add_inode(struct ext4 *fs, uint32_t ino, struct ext4_blocks *blocks);

/* Add what opening and mapping INO reads besides: its extent tree, extended attributes. */
int ext4_add_tree(struct ext4 *fs, uint32_t ino, struct ext4_blocks *blocks);

struct ext4_name {
	uint32_t ino;
	bool is_link, is_dir; /* where the file system notes it */
	const char *name;     /* not terminated, gone after the call */
	size_t bytes;
};

/*
 * Add the blocks of directory INO that a lookup of some of its names reads: the index, and
 * those that hold a name for which WANTS says yes; all of them where they are few or there
 * is no index. WANTS is asked for every name. -ENOTDIR. Errors are -EBADMSG (nonsense),
 * -E2BIG (a limit), -ENOMEM, -EIO; what was found until then stays added.
 */
int ext4_add_directory(struct ext4 *fs, uint32_t ino,
		       bool (*wants)(const struct ext4_name *name, void *userdata),
		       void *userdata, struct ext4_blocks *blocks);

#endif
