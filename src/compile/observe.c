/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>

#include "bounds.h"
#include "observe.h"

void observer_init(struct observer *o, const struct facts_context *c)
{
	*o = (struct observer){ .context = c };
}

void observer_done(struct observer *o)
{
	last_dir_done(&o->dir);
}

/* What a stat sees: 0 with *RET, or negative errno. */
static int observe(struct observer *o, const char *path, struct file_facts *ret)
{
	char full[2 * LIMIT_PATH_BYTES + 2];
	const char *name;
	struct stat st;
	int dirfd;

	*ret = (struct file_facts){ 0 };
	if (facts_full_path(o->context, path, full, sizeof(full)) < 0)
		return -EINVAL;
	if (!mounts_is_local(o->context->mounts, full))
		return -EREMOTE;
	dirfd = last_dir_of(&o->dir, o->context->rootfd, path, &name);
	if (dirfd < 0)
		return dirfd;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
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
