/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of ext4's structures on disk is needed to find the blocks of names and inodes.
 * Source: Documentation/filesystems/ext4/ in the kernel. ext2 and ext3 are the same format.
 */
#ifndef ELFCAST_EXT4_FORMAT_H
#define ELFCAST_EXT4_FORMAT_H

#include "le.h"

#define EXT4_SUPER_OFF		    1024
#define EXT4_MAGIC		    0xef53
#define EXT4_COMPAT_SPARSE_SUPER2   0x200u
#define EXT4_INCOMPAT_FILETYPE	    0x2u
#define EXT4_INCOMPAT_JOURNAL_DEV   0x8u /* the journal of another file system */
#define EXT4_INCOMPAT_META_BG	    0x10u
#define EXT4_INCOMPAT_64BIT	    0x80u
#define EXT4_RO_COMPAT_SPARSE_SUPER 0x1u

struct ext4_super {
	le32 n_inodes;
	le32 n_blocks_low;
	uint8_t unused1[12];
	le32 first_data_block;
	le32 log_block_size; /* 1024 << that */
	uint8_t unused2[4];
	le32 blocks_per_group;
	uint8_t unused3[4];
	le32 inodes_per_group;
	uint8_t unused4[12];
	le16 magic;
	uint8_t unused5[18];
	le32 revision; /* 0: inodes of 128 bytes, no features */
	uint8_t unused6[8];
	le16 inode_bytes;
	uint8_t unused7[2];
	le32 compat, incompat, ro_compat;
	uint8_t uuid[16];
	uint8_t unused8[134];
	le16 desc_bytes; /* with INCOMPAT_64BIT, else 32 */
	uint8_t unused9[4];
	le32 first_meta_bg;
	uint8_t unused10[72];
	le32 n_blocks_high;
	uint8_t unused11[248];
	le32 backup_groups[2]; /* with COMPAT_SPARSE_SUPER2 */
};

struct ext4_group_desc {
	uint8_t unused1[8];
	le32 inode_table_low;
	uint8_t unused2[28];
	le32 inode_table_high; /* only where desc_bytes says so */
};

#define EXT4_FLAG_INDEX	      0x1000u /* a directory with a hash tree */
#define EXT4_FLAG_EXTENTS     0x80000u
#define EXT4_FLAG_INLINE_DATA 0x10000000u
#define EXT4_DIRECT_BLOCKS    12

struct ext4_inode {
	le16 mode;
	uint8_t unused1[2];
	le32 size_low;
	uint8_t unused2[24];
	le32 flags;
	uint8_t unused3[4];
	uint8_t block[60]; /* extent header and 4 extents, or 15 block numbers */
	uint8_t unused4[4];
	le32 file_acl_low; /* block of extended attributes */
	le32 size_high;
	uint8_t unused5[6];
	le16 file_acl_high;
	uint8_t unused6[8];
};

#define EXT4_EXTENT_MAGIC     0xf30a
#define EXT4_EXTENT_DEPTH_MAX 5
#define EXT4_EXTENT_LEN_MAX   32768u /* more: so much less, and not written yet */

struct ext4_extent_header {
	le16 magic, n_entries, max_entries, depth;
	le32 generation;
};

/* An entry at depth 0. */
struct ext4_extent {
	le32 logical;
	le16 n_blocks;
	le16 start_high;
	le32 start_low;
};

/* An entry above: a block one level down. */
struct ext4_extent_index {
	le32 logical;
	le32 child_low;
	le16 child_high;
	le16 unused;
};

struct ext4_dirent {
	le32 ino; /* 0: none, also the nodes of a hash tree */
	le16 bytes;
	uint8_t name_bytes;
	uint8_t type; /* with INCOMPAT_FILETYPE */
};
#define EXT4_TYPE_DIR  2
#define EXT4_TYPE_LINK 7

_Static_assert(sizeof(struct ext4_super) == 0x24c + 8, "ext4 superblock");
_Static_assert(sizeof(struct ext4_group_desc) == 0x2c, "ext4 group descriptor");
_Static_assert(sizeof(struct ext4_inode) == 128, "ext4 inode");
_Static_assert(sizeof(struct ext4_extent) == 12 && sizeof(struct ext4_extent_index) == 12,
	       "ext4 extent");

#endif
