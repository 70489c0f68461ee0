/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mount table, asked before a path is walked: a lookup on a hung FUSE, NFS or autofs
 * cannot be interrupted. Also which storage class lies below a mount. The only reader of
 * /proc/PID/mountinfo. libc only.
 */
#ifndef ELFCAST_MOUNTS_H
#define ELFCAST_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "macro.h"
#include "shadow-format.h"

struct mounts;

/* Snapshot of this process's mount table. New; -ENOENT without /proc, -ENOMEM, -E2BIG. */
int mounts_load(struct mounts **ret);
/* The same of process PID's, in its mount namespace and below its root. */
int mounts_load_of(pid_t pid, struct mounts **ret);
/* From the text of a mountinfo file; lines it cannot read count as remote. New. -ENOMEM. */
int mounts_parse(const char *text, size_t bytes, struct mounts **ret);
/*
 * Where no mount covers "/", as in a chroot: one of FSTYPE (borrowed) on DEV does, with what
 * there is below it. mounts_load() has done it. 0, -ENOMEM.
 */
int mounts_add_root(struct mounts *m, const char *fstype, dev_t dev);
void mounts_free(struct mounts *m);
DEFINE_CLEANUP(struct mounts *, mounts_free)

/*
 * Whether PATH (absolute, canonical) lies on a file system of the allow-list (local disks,
 * overlay, tmpfs), and every mount that a walk to it passes through does too. Follows the
 * tree of mounts as the kernel does, so that a later mount on a parent directory hides what
 * was mounted below. Lexical; touches no file.
 */
bool mounts_is_local(const struct mounts *m, const char *path);
/* The class of the storage below PATH, asked of /sys; FLASH where nothing says otherwise.
 */
enum storage_class mounts_storage(struct mounts *m, const char *path);
/*
 * The block device below PATH, as sysfs knows it: that of the mount's source where the file
 * system has a device number of its own (btrfs). -ENOENT: none, or not to be told (overlay).
 */
int mounts_device(const struct mounts *m, const char *path, dev_t *ret);
/* Mount point of what holds PATH ("/", "/usr"), NULL when no mount covers it. Borrowed. */
const char *mounts_point(const struct mounts *m, const char *path);
/* Device number of the superblock below PATH: not stat's on btrfs. -ENOENT: no mount. */
int mounts_superblock(const struct mounts *m, const char *path, dev_t *ret);
/* File system type at PATH ("ext4"), "none" when no mount covers it. Borrowed. */
const char *mounts_fstype(const struct mounts *m, const char *path);

/*
 * Where OURS shows what THEIRS, of another mount namespace, has at PATH: the same place of the same
 * file system. Lexical. -ENOENT: nowhere.
 */
int mounts_translate(const struct mounts *ours, const struct mounts *theirs,
		     const char *path, char *ret, size_t bytes);

/* One line of the table; strings are borrowed. */
struct mount_line {
	const char *point, *fstype;
	dev_t dev; /* of the superblock */
	bool local;
};
/* In the table's order; false past the last one. */
bool mounts_get(const struct mounts *m, size_t i, struct mount_line *ret);

#endif
