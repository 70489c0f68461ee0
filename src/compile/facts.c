/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A path is looked at in this order: the mount table says whether that may hang, its directory is
 * found below the root by no link, and only what is a regular file there is opened, for its
 * build-id. The identity is set as soon as it is known, also when there is an error, so that the
 * index can tell later whether the error still holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "buildid.h"
#include "elf-end.h"
#include "elf-id.h"
#include "facts.h"
#include "io.h"

#define MAX_LINKS 40u /* of one path, as the kernel: MAXSYMLINKS */

int facts_full_path(const struct facts_context *c, const char *path, char *ret,
		    size_t bytes)
{
	const char *root = strcmp(c->root_path, "/") == 0 ? "" : c->root_path;
	/* The root itself, without a slash behind it. */
	int n = snprintf(ret, bytes, "%s%s", root, *root && !path[1] ? "" : path);

	return n < 0 || (size_t)n >= bytes ? -ENAMETOOLONG : 0;
}

enum storage_class facts_storage(const struct facts_context *c, const char *full_path)
{
	if (c->storage_override >= 0)
		return (enum storage_class)c->storage_override;
	return mounts_storage(c->mounts, full_path);
}

/* It was a regular file: another one may be there since, which *ST is of then. */
static int read_buildid(int dirfd, const char *name, struct stat *st, struct buildid *ret)
{
	_cleanup_close_ int fd = openat(
		dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r;

	if (fd < 0 || fstat(fd, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	r = elf_id_read(fd, ret);
	/* Not ELF any more, or damaged: another file than the one trained. */
	return r > 0 || r == -ENOEXEC || r == -EBADMSG || r == -E2BIG ? 0 : r;
}

static int read_file_facts(struct facts_context *c, const char *path, bool want_buildid,
			   struct file_facts *f)
{
	char full[2 * LIMIT_PATH_BYTES + 2];
	const char *name;
	struct stat st;
	int r, dirfd;

	r = facts_full_path(c, path, full, sizeof(full));
	if (r < 0)
		return r;
	/* Asked first: walking into a hung file system cannot be interrupted. */
	if (!mounts_is_local(c->mounts, full))
		return -EREMOTE;
	dirfd = last_dir_of(&c->dir, c->rootfd, path, &name);
	if (dirfd < 0)
		return dirfd;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* Without an identity, an object is looked at again the next time. */
	r = want_buildid && S_ISREG(st.st_mode)
		    ? read_buildid(dirfd, name, &st, &f->buildid)
		    : 0;
	/* What others may not read by its mode is so until its ctime changes. */
	if (r < 0 && !(r == -EACCES && !(st.st_mode & S_IROTH)))
		return r;
	f->identity = identity_from_stat(&st);
	f->storage = facts_storage(c, full);
	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return (uint64_t)st.st_size > LIMIT_FILE_BYTES ? -EFBIG : 0;
}

struct cached {
	struct file_facts facts;
	bool has_buildid; /* it was looked for */
	char path[];
};

static int compare_cached(const void *a, const void *b)
{
	return strcmp(((const struct cached *)a)->path, ((const struct cached *)b)->path);
}

/* Entry for PATH, new ones without facts; NULL: no memory. */
static struct cached *find_cached(struct facts_context *c, const char *path, bool *ret_new)
{
	size_t bytes = strlen(path) + 1;
	struct cached *entry = calloc(1, sizeof(*entry) + bytes), **found;

	if (!entry)
		return NULL;
	memcpy(entry->path, path, bytes);
	found = tsearch(entry, &c->cache, compare_cached);
	*ret_new = found && *found == entry;
	if (!*ret_new)
		free(entry);
	return found ? *found : NULL;
}

void facts_read(struct facts_context *c, const char *path, bool want_buildid,
		struct file_facts *ret)
{
	bool is_new = false;
	struct cached *entry = find_cached(c, path, &is_new);

	if (entry && !is_new && (entry->has_buildid || !want_buildid)) {
		*ret = entry->facts;
		return;
	}
	*ret = (struct file_facts){ 0 };
	ret->error = read_file_facts(c, path, want_buildid, ret);
	if (entry) {
		entry->facts = *ret;
		entry->has_buildid = want_buildid;
	}
}

static bool ends_at(const struct facts_context *c, const char *path, uint64_t bytes)
{
	struct stat st;
	_cleanup_close_ int path_fd = io_open_path(c->rootfd, path, &st);
	_cleanup_close_ int fd = path_fd < 0 ? path_fd : io_reopen_read(path_fd);
	uint64_t end;

	return fd >= 0 && elf_find_end(fd, &end) == 0 && end == bytes;
}

void facts_read_object(struct facts_context *c, const struct profile_object *o,
		       struct file_facts *ret)
{
	facts_read(c, o->path, o->buildid.n_bytes > 0, ret);
	ret->is_other_layout = ret->error == 0 && o->buildid.n_bytes > 0 &&
			       buildid_equal(&o->buildid, &ret->buildid) &&
			       o->size_bytes != ret->identity.size_bytes &&
			       !ends_at(c, o->path, o->size_bytes);
}

/* ---- links ---- */

/* 1: a link, with its target; 0: something else; or negative errno. */
static int look_up(const struct facts_context *c, const char *path,
		   char target[static LIMIT_PATH_BYTES + 1])
{
	_cleanup_close_ int fd = -1;
	char full[2 * LIMIT_PATH_BYTES + 2];
	struct stat st;
	ssize_t n;

	if (facts_full_path(c, path, full, sizeof(full)) < 0)
		return -ENAMETOOLONG;
	if (!mounts_is_local(c->mounts, full))
		return -EREMOTE;
	fd = io_open_path(c->rootfd, path, &st);
	if (fd < 0)
		return fd;
	if (!S_ISLNK(st.st_mode))
		return 0;
	n = readlinkat(fd, "", target, LIMIT_PATH_BYTES + 1);
	if (n <= 0 || n > (ssize_t)LIMIT_PATH_BYTES)
		return n < 0 ? -errno : -ENAMETOOLONG;
	target[n] = 0;
	return 1;
}

struct walk {
	char dir[LIMIT_PATH_BYTES + 1];	     /* canonical; "" is the root */
	char rest[2 * LIMIT_PATH_BYTES + 2]; /* of the path, from there */
	unsigned n_links;
};

/* The first component of what is left becomes AT, below where we are. False: there is none. */
static bool next_component(struct walk *w, char at[static LIMIT_PATH_BYTES + 1])
{
	const char *name = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(name, "/");
	char *slash = strrchr(w->dir, '/');

	if (n == 0)
		return false;
	if (n == 2 && memcmp(name, "..", 2) == 0) {
		if (slash)
			*slash = 0;
		strcpy(at, w->dir);
	} else if (n == 1 && *name == '.') {
		strcpy(at, w->dir);
	} else if (snprintf(at, LIMIT_PATH_BYTES + 1, "%s/%.*s", w->dir, (int)n, name) >
		   (int)LIMIT_PATH_BYTES) {
		return false;
	}
	memmove(w->rest, name + n, strlen(name + n) + 1);
	return true;
}

static bool enter_link(struct walk *w, char target[static 2 * LIMIT_PATH_BYTES + 2])
{
	if (++w->n_links > MAX_LINKS || strlen(target) + strlen(w->rest) >= sizeof(w->rest))
		return false;
	strcat(target, w->rest);
	strcpy(w->rest, target);
	if (target[0] == '/')
		w->dir[0] = 0;
	return true;
}

/* 1: it came to the end; 0: it did not; -ENOMEM. */
static int walk(const struct facts_context *c, struct walk *w, struct name_list *links)
{
	char at[LIMIT_PATH_BYTES + 1], target[2 * LIMIT_PATH_BYTES + 2];

	while (next_component(w, at)) {
		int r = strcmp(at, w->dir) == 0 ? 0 : look_up(c, at, target);

		if (r != 0 && links && name_list_add(links, at) < 0)
			return -ENOMEM;
		if (r < 0 || (r > 0 && !enter_link(w, target)))
			return 0;
		if (r == 0)
			strcpy(w->dir, at);
	}
	return w->rest[strspn(w->rest, "/")] == 0 && w->dir[0];
}

int facts_follow(const struct facts_context *c, const char *path,
		 struct name_list *ret_links, char ret[static LIMIT_PATH_BYTES + 1])
{
	char target[LIMIT_PATH_BYTES + 1];
	struct walk w = { 0 };
	int r = 0;

	snprintf(w.rest, sizeof(w.rest), "%s", path);
	/* Mostly there is no link at all, and one open says so. */
	if (look_up(c, path, target) != 0)
		r = walk(c, &w, ret_links);
	snprintf(ret, LIMIT_PATH_BYTES + 1, "%s", r > 0 ? w.dir : path);
	return MIN(r, 0);
}

void facts_done(struct facts_context *c)
{
	last_dir_done(&c->dir);
	tdestroy(c->cache, free);
	c->cache = NULL;
}
