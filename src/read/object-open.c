/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>

#include "blockdev.h"
#include "elf-id.h"
#include "ext4.h"
#include "fstypes.h"
#include "io.h"
#include "object-open.h"

static enum object_skip skip_from_errno(int error)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return OBJECT_GONE;
	case EACCES:
	case EPERM:
	case EMFILE:
	case ENFILE:
		return OBJECT_DENIED;
	default:
		return OBJECT_FAILED;
	}
}

static int lacks_descriptors(int error)
{
	return error == -EMFILE || error == -ENFILE ? error : 0;
}

enum { FULL_PATH_BYTES = 2 * PATH_MAX };

/* PATH as this process sees it, if that lies on a local file system. */
static bool find_local(const struct object_place *place, const char *path,
		       char full[static FULL_PATH_BYTES])
{
	const char *root = strcmp(place->root_path, "/") == 0 ? "" : place->root_path;

	if (*root && strcmp(path, "/") == 0)
		path = "";
	/* Cut short it would be another path. */
	if (snprintf(full, FULL_PATH_BYTES, "%s%s", root, path) >= FULL_PATH_BYTES)
		return false;
	return mounts_is_local(place->mounts, full);
}

int object_open(const struct object_place *place, const char *path, int *ret_fd,
		struct stat *ret_st, enum object_skip *ret_skip)
{
	char full[FULL_PATH_BYTES];
	_cleanup_close_ int path_fd = -1;
	struct stat st;
	int fd;

	*ret_skip = OBJECT_NOT_LOCAL;
	if (!find_local(place, path, full))
		return 0;
	path_fd = io_open_path(place->rootfd, path, &st);
	if (path_fd < 0) {
		*ret_skip = skip_from_errno(path_fd);
		return lacks_descriptors(path_fd);
	}
	*ret_skip = S_ISLNK(st.st_mode) ? OBJECT_GONE : OBJECT_NOT_REGULAR;
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return 0;
	fd = io_reopen_regular(path_fd);
	if (fd < 0) {
		*ret_skip = skip_from_errno(fd);
		return lacks_descriptors(fd);
	}
	/* Leave no trace where we may: that is for the owner and root (fcntl(2)). */
	fcntl(fd, F_SETFL, O_NONBLOCK | O_NOATIME);
	*ret_skip = OBJECT_USED;
	*ret_fd = fd;
	*ret_st = st;
	return 0;
}

bool object_is_there(const struct object_place *place, const char *path)
{
	char full[FULL_PATH_BYTES], dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (!slash || !find_local(place, path, full))
		return true;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash == path ? 1 : slash - path), path);
	fd = io_open_path(place->rootfd, dir, &st);
	r = fd < 0 ? fd : fstatat(fd, slash + 1, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	return r < 0 ? skip_from_errno(r) != OBJECT_GONE : S_ISREG(st.st_mode);
}

/* Blocks of another file system, or of this one made anew, would be read for nothing. */
static enum object_skip check_filesystem(const struct shadow_object *o, int fd)
{
	struct ext4 fs;
	int r = ext4_open(fd, &fs);

	if (r == -EIO)
		return OBJECT_FAILED;
	return r == 0 && memcmp(fs.uuid, o->buildid, sizeof(fs.uuid)) == 0 &&
			       fs.size_bytes == le64_get(o->size_bytes)
		       ? OBJECT_USED
		       : OBJECT_CHANGED;
}

int object_open_device(const struct object_place *place, const struct shadow_object *o,
		       const char *path, int *ret_fd, struct stat *ret_st,
		       enum object_skip *ret_skip)
{
	char full[FULL_PATH_BYTES];
	_cleanup_close_ int fd = -1, sysfd = -1;
	dev_t dev;

	*ret_skip = OBJECT_NOT_LOCAL;
	if (!find_local(place, path, full))
		return 0;
	*ret_skip = OBJECT_CHANGED;
	if (!fstype_find(mounts_fstype(place->mounts, full))->ext4_metadata ||
	    mounts_device(place->mounts, full, &dev) < 0)
		return 0;
	sysfd = blockdev_open_sys();
	fd = blockdev_open(sysfd, dev);
	if (fd < 0 || fstat(fd, ret_st) < 0) {
		*ret_skip = skip_from_errno(fd < 0 ? fd : -errno);
		return fd < 0 ? lacks_descriptors(fd) : 0;
	}
	*ret_skip = check_filesystem(o, fd);
	if (*ret_skip != OBJECT_USED)
		return 0;
	ret_st->st_size = (off_t)le64_get(o->size_bytes);
	ret_st->st_dev = ret_st->st_rdev;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

enum object_skip object_check_own(const struct shadow_object *o, const struct stat *st)
{
	return shadow_object_identity(o).ino == st->st_ino ? OBJECT_USED : OBJECT_CHANGED;
}

enum object_skip object_check(const struct shadow_object *o, const struct stat *st, int fd)
{
	struct identity want = shadow_object_identity(o), found = identity_from_stat(st);
	struct buildid want_id = shadow_object_buildid(o), found_id;
	int r;

	if (identity_equal(&want, &found))
		return OBJECT_USED;
	/* What a program brings along was never on this machine: what compile goes by must do. */
	if (want.ino == 0 && want_id.n_bytes == 0 && found.size_bytes == want.size_bytes)
		return OBJECT_USED;
	/*
	 * Another inode or other times: the same file all the same if it has the build-id.
	 * Data files have no proof that is cheap enough. Another size is another file, or one
	 * that was cut or is being written, and looking for its build-id would cost a launch
	 * after an upgrade one read a file, each a seek.
	 */
	if (want_id.n_bytes == 0 || found.size_bytes != want.size_bytes)
		return OBJECT_CHANGED;
	r = elf_id_read(fd, &found_id);
	if (r == -EIO)
		return OBJECT_FAILED;
	return r >= 0 && buildid_equal(&want_id, &found_id) ? OBJECT_USED : OBJECT_CHANGED;
}

const char *object_skip_text(enum object_skip skip)
{
	static const char *const texts[OBJECT_SKIPS] = {
		[OBJECT_USED] = "read ahead",
		[OBJECT_NOT_VALID] = "was not usable when compiled",
		[OBJECT_NOT_LOCAL] = "not on a local file system",
		[OBJECT_GONE] = "no such file, or a symbolic link in its path",
		[OBJECT_NOT_REGULAR] = "not a regular file, or empty",
		[OBJECT_CHANGED] = "changed since it was compiled",
		[OBJECT_DENIED] = "may not be opened",
		[OBJECT_FAILED] = "cannot be read",
		[OBJECT_NOT_REACHED] = "not reached",
		[OBJECT_NO_PAGES] = "no page is worth reading",
	};

	return (unsigned)skip < OBJECT_SKIPS ? texts[skip] : "unknown";
}
