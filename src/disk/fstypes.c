/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/magic.h>
#include <stddef.h>
#include <string.h>

#include "fstypes.h"
#include "macro.h"

static const struct fstype types[] = {
	{ "ext4", .local = true, .on_disk = true, .ext4_metadata = true,
	  .magic = EXT4_SUPER_MAGIC },
	{ "ext3", .local = true, .on_disk = true, .ext4_metadata = true },
	{ "ext2", .local = true, .on_disk = true, .ext4_metadata = true },
	{ "xfs", .local = true, .on_disk = true, .magic = XFS_SUPER_MAGIC },
	{ "btrfs", .local = true, .on_disk = true, .magic = BTRFS_SUPER_MAGIC },
	{ "f2fs", .local = true, .on_disk = true, .magic = F2FS_SUPER_MAGIC },
	{ "bcachefs", .local = true, .on_disk = true },
	{ "zfs", .local = true, .on_disk = true },
	{ "jfs", .local = true, .on_disk = true },
	{ "reiserfs", .local = true, .on_disk = true },
	{ "nilfs2", .local = true, .on_disk = true },
	{ "vfat", .local = true, .on_disk = true },
	{ "exfat", .local = true, .on_disk = true },
	{ "ntfs3", .local = true, .on_disk = true },
	{ "udf", .local = true, .on_disk = true },
	{ "squashfs", .local = true, .on_disk = true, .image = true, .whole_blocks = true,
	  .magic = SQUASHFS_MAGIC },
	{ "erofs", .local = true, .on_disk = true, .image = true,
	  .magic = EROFS_SUPER_MAGIC_V1 },
	{ "iso9660", .local = true, .on_disk = true, .image = true },
	{ "overlay", .local = true, .on_disk = true, .layered = true,
	  .magic = OVERLAYFS_SUPER_MAGIC },
	/* In memory. */
	{ "tmpfs", .local = true, .magic = TMPFS_MAGIC },
	{ "ramfs", .local = true },
	{ "rootfs", .local = true },
	/* Behind a network. */
	{ "nfs", .on_disk = true },
	{ "nfs4", .on_disk = true },
};

static const struct fstype any_other = { "" };

const struct fstype *fstype_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(name, types[i].name) == 0)
			return &types[i];
	return &any_other;
}

const struct fstype *fstype_from_magic(uint32_t magic)
{
	for (size_t i = 0; magic && i < ARRAY_SIZE(types); i++)
		if (types[i].magic == magic)
			return &types[i];
	return &any_other;
}
