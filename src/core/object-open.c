/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "object-open.h"

static enum prefetch_skip skip_from_errno(int error)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return PREFETCH_GONE;
	case EACCES:
	case EPERM:
	case EMFILE:
	case ENFILE:
		return PREFETCH_DENIED;
	default:
		return PREFETCH_FAILED;
	}
}

static int lacks_descriptors(int error)
{
	return error == -EMFILE || error == -ENFILE ? error : 0;
}

static bool is_local(const struct object_place *place, const char *path)
{
	char full[2 * PATH_MAX];

	if (strcmp(place->root_path, "/") == 0)
		return mounts_is_local(place->mounts, path);
	/* Cut short it would be another path. */
	if ((size_t)snprintf(full, sizeof(full), "%s%s", place->root_path, path) >=
	    sizeof(full))
		return false;
	return mounts_is_local(place->mounts, full);
}

int object_open(const struct object_place *place, const char *path, int *ret_fd,
		struct stat *ret_st, enum prefetch_skip *ret_skip)
{
	_cleanup_close_ int path_fd = -1;
	struct stat st;
	int fd;

	*ret_skip = PREFETCH_NOT_LOCAL;
	if (!is_local(place, path))
		return 0;
	path_fd = io_open_path(place->rootfd, path, &st);
	if (path_fd < 0) {
		*ret_skip = skip_from_errno(path_fd);
		return lacks_descriptors(path_fd);
	}
	*ret_skip = S_ISLNK(st.st_mode) ? PREFETCH_GONE : PREFETCH_NOT_REGULAR;
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return 0;
	fd = io_reopen_read(path_fd);
	if (fd < 0) {
		*ret_skip = skip_from_errno(fd);
		return lacks_descriptors(fd);
	}
	/* Leave no trace where we may: that is for the owner and root (fcntl(2)). */
	fcntl(fd, F_SETFL, O_NONBLOCK | O_NOATIME);
	*ret_skip = PREFETCH_USED;
	*ret_fd = fd;
	*ret_st = st;
	return 0;
}

enum prefetch_skip object_check(const struct shadow_object *o, const struct stat *st,
				int fd)
{
	struct identity want = shadow_object_identity(o), found = identity_from_stat(st);
	struct buildid want_id = shadow_object_buildid(o), found_id;
	int r;

	if (identity_equal(&want, &found))
		return PREFETCH_USED;
	/*
	 * Another inode or other times: the same file all the same if it has the build-id.
	 * Data files have no proof that is cheap enough, and the first page of an ELF file
	 * that was cut, or is being written, says nothing about its end.
	 */
	if (want_id.n_bytes == 0 || found.size_bytes < want.size_bytes)
		return PREFETCH_CHANGED;
	r = buildid_read(fd, &found_id);
	if (r == -EIO)
		return PREFETCH_FAILED;
	return r == 0 && buildid_equal(&want_id, &found_id) ? PREFETCH_USED
							    : PREFETCH_CHANGED;
}
