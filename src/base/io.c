/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "io.h"
#include "macro.h"

int io_read_file(int fd, size_t limit_bytes, char **ret, size_t *ret_bytes)
{
	_cleanup_free_ char *buffer = NULL;
	size_t got = 0, room;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > limit_bytes)
		return -E2BIG;
	/* One byte more than the size, to notice a file that grew, and one for the NUL. */
	room = (size_t)st.st_size + 2;
	buffer = malloc(room);
	if (!buffer)
		return -ENOMEM;
	while (got < room - 1) {
		ssize_t n = pread(fd, buffer + got, room - 1 - got, (off_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	if (got > (size_t)st.st_size)
		return -EBUSY; /* being written */
	buffer[got] = 0;
	*ret = TAKE_PTR(buffer);
	*ret_bytes = got;
	return 0;
}

int io_read_full(int fd, void *buffer, size_t bytes)
{
	char *p = buffer;

	while (bytes > 0) {
		ssize_t n = read(fd, p, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		p += n;
		bytes -= (size_t)n;
	}
	return 0;
}

int io_read_at(int fd, uint64_t off, void *buffer, size_t bytes)
{
	char *p = buffer;

	while (bytes > 0) {
		ssize_t n = pread(fd, p, bytes, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOENT ? -EIO : -errno;
		if (n == 0)
			return -EBADMSG;
		p += n;
		off += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return 0;
}

int io_write_full(int fd, const void *buffer, size_t bytes)
{
	const char *p = buffer;

	while (bytes > 0) {
		ssize_t n = write(fd, p, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		bytes -= (size_t)n;
	}
	return 0;
}

int io_open_path(int rootfd, const char *path, struct stat *ret_st)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int fd = -1;

	if (path[0] != '/')
		return -EINVAL;
	fd = (int)syscall(SYS_openat2, rootfd, path, &how, sizeof(how));
	if (fd < 0)
		return -errno;
	if (ret_st && fstat(fd, ret_st) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int io_reopen_read(int path_fd)
{
	struct stat st;

	if (fstat(path_fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? io_reopen_regular(path_fd) : -EINVAL;
}

int io_reopen_regular(int path_fd)
{
	char proc[64];
	int fd;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", path_fd);
	fd = open(proc, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int io_open_root(const char *path)
{
	int fd = open(path && *path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int io_build_text(void (*write)(const void *of, FILE *f), const void *of, char **ret,
		  size_t *ret_bytes)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *f = open_memstream(&text, &bytes);
	bool bad;

	if (!f)
		return -ENOMEM;
	write(of, f);
	bad = ferror(f);
	if (fclose(f) != 0 || bad) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_bytes = bytes;
	return 0;
}
