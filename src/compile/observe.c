/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "io.h"
#include "observe.h"

void observer_init(struct observer *o, const struct facts_context *c)
{
	*o = (struct observer){ .context = c, .dirfd = -1 };
}

void observer_done(struct observer *o)
{
	closep(&o->dirfd);
	free(o->dir);
}

/* Open the directory of PATH unless it is the open one. Its error stays for its files. */
static int enter_dir(struct observer *o, const char *path, size_t dir_bytes)
{
	struct stat st;

	if (o->dir && strncmp(o->dir, path, dir_bytes) == 0 && o->dir[dir_bytes] == 0)
		return o->dir_error;
	free(o->dir);
	closep(&o->dirfd);
	o->dirfd = -1;
	o->dir = strndup(path, dir_bytes);
	if (!o->dir)
		return o->dir_error = -ENOMEM;
	o->dirfd = io_open_path(o->context->rootfd, o->dir, &st);
	return o->dir_error = MIN(o->dirfd, 0);
}

/* What a stat sees: 0 with *RET, or negative errno. */
static int observe(struct observer *o, const char *path, struct file_facts *ret)
{
	const char *slash = strrchr(path, '/');
	char full[2 * LIMIT_PATH_BYTES + 2];
	struct stat st;
	int r;

	*ret = (struct file_facts){ 0 };
	if (!slash || facts_full_path(o->context, path, full, sizeof(full)) < 0)
		return -EINVAL;
	if (!mounts_is_local(o->context->mounts, full))
		return -EREMOTE;
	r = enter_dir(o, path, (size_t)(slash - path) + 1);
	if (r < 0)
		return r;
	if (fstatat(o->dirfd, slash + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	ret->identity = identity_from_stat(&st);
	ret->storage = facts_storage(o->context, full);
	return 0;
}

bool observer_is_unchanged(struct observer *o, const struct shadow *s,
			   const struct shadow_object *recorded)
{
	struct identity was = shadow_object_identity(recorded);
	struct file_facts is;
	int r = observe(o, shadow_string(s, recorded->path), &is);
	bool missing = r == -ENOENT || r == -ENOTDIR;

	return missing == (recorded->state == OBJECT_MISSING) &&
	       identity_equal(&was, &is.identity) &&
	       recorded->storage == (uint8_t)is.storage;
}
