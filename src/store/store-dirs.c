/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "io.h"
#include "store-private.h"

int store_open_dir(const struct store *s, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, s->rootfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* One component at a time, so that links cannot lead out. */
int store_make_dir(const struct store *s, const char *path)
{
	char part[128];

	for (const char *end = path; *end;) {
		_cleanup_close_ int parent = -1;
		const char *start = end + 1;

		snprintf(part, sizeof(part), "%.*s/", (int)(end - path), path);
		parent = store_open_dir(s, part);
		if (parent < 0)
			return parent;
		end = strchrnul(start, '/');
		snprintf(part, sizeof(part), "%.*s", (int)(end - start), start);
		if (mkdirat(parent, part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return store_open_dir(s, path);
}

bool store_is_trusted(const struct store *s, const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == s->owner) &&
	       (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

int store_open_file(int dir, const char *name)
{
	int fd = openat(dir, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void store_temporary_name(const char *name, char ret[static TEMPORARY_BYTES])
{
	snprintf(ret, TEMPORARY_BYTES, ".%s.new", name);
}

static int write_new(int dir, const char *name, const void *data, size_t bytes, mode_t mode,
		     bool durable)
{
	int fd, r;

	unlinkat(dir, name, 0);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	r = io_write_full(fd, data, bytes);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	/* Some file systems report a full disk only here. */
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

int store_replace(int dir, const char *name, const void *data, size_t bytes, mode_t mode,
		  bool durable)
{
	char temporary[TEMPORARY_BYTES];
	int r;

	store_temporary_name(name, temporary);
	r = write_new(dir, temporary, data, bytes, mode, durable);
	if (r == 0 && renameat(dir, temporary, dir, name) < 0)
		r = -errno;
	if (r == 0 && durable && fsync(dir) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, temporary, 0);
	return r;
}

int store_clear(int dir, const char *name)
{
	char aside[TEMPORARY_BYTES];
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISREG(st.st_mode))
		return 0;
	if (unlinkat(dir, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) == 0)
		return 1;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	snprintf(aside, sizeof(aside), ".%s.stray", name);
	return renameat2(dir, name, dir, aside, RENAME_NOREPLACE) < 0 ? -errno : 1;
}

int store_for_each_name(int dirfd, int (*each)(int dirfd, const char *name, void *userdata),
			void *userdata)
{
	DIR *d = fdopendir(dirfd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		r = -errno;
		close(dirfd);
		return r;
	}
	while (r == 0 && (errno = 0, e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = each(dirfd, e->d_name, userdata);
	if (r == 0 && errno)
		r = -errno;
	closedir(d);
	return r;
}
