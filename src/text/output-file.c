/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decided by lstat() of the name: nothing there or a regular file is replaced (a temporary file
 * beside it, renamed), unless it lies on devtmpfs; all else, a link, a device, a FIFO, is opened
 * and written through. A link to a descriptor of ours (/dev/stdout, /proc/self/fd/1) is that
 * descriptor: opening it again would truncate a file that others write to.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "io.h"
#include "log.h"
#include "macro.h"
#include "output-file.h"

#define LINKS_MAX 40 /* the kernel's */

enum { TEMPORARY_BYTES = 64 };

/* PATH as a directory, opened, and a name in it. */
struct place {
	int dirfd;
	const char *name; /* in PATH */
};

static int find_place(const char *path, struct place *ret)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd;

	if (!dir)
		return -ENOMEM;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret = (struct place){ fd, slash ? slash + 1 : path };
	return 0;
}

int output_file_may_write(const char *path)
{
	struct place p;
	struct stat st;
	int r;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return access(path, W_OK) < 0 ? -errno : 0;
	/* A new file takes its place. */
	r = find_place(path, &p);
	if (r < 0)
		return r;
	r = faccessat(p.dirfd, ".", W_OK, AT_EACCESS) < 0 ? -errno : 0;
	close(p.dirfd);
	return r;
}

/* ---- through what is there ---- */

/* A pipe takes PIPE_BUF bytes at once when it polls writable, also one that may block. */
static int write_when_ready(int fd, const char *data, size_t bytes, int timeout_ms)
{
	while (bytes > 0) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		size_t piece = MIN(bytes, (size_t)PIPE_BUF);
		int r = poll(&p, 1, timeout_ms);
		ssize_t n;

		if (r == 0)
			return -ETIMEDOUT;
		n = r < 0 ? -1 : write(fd, data, piece);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			data += n;
			bytes -= (size_t)n;
		}
	}
	return 0;
}

static int write_descriptor(int fd, const void *data, size_t bytes, int timeout_ms)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? io_write_full(fd, data, bytes)
				   : write_when_ready(fd, data, bytes, timeout_ms);
}

static int write_through(const char *path, const void *data, size_t bytes, int timeout_ms)
{
	/* O_NONBLOCK: a FIFO without a reader is an error, not a wait. */
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = write_descriptor(fd, data, bytes, timeout_ms);
	/* Some file systems report a full disk only here. */
	if (r == 0 && close(TAKE_FD(fd)) < 0)
		r = -errno;
	return r;
}

/* Whether DIR, canonical, is the directory of this process's descriptors. */
static bool is_descriptor_dir(const char *dir)
{
	char process[64], thread[64];
	int pid = (int)getpid();

	snprintf(process, sizeof(process), "/proc/%d/fd", pid);
	snprintf(thread, sizeof(thread), "/proc/%d/task/%d/fd", pid, (int)gettid());
	return strcmp(dir, process) == 0 || strcmp(dir, thread) == 0;
}

/* The descriptor whose link PATH is; -1: none. */
static int number_of(const char *path)
{
	const char *name = strrchr(path, '/');
	_cleanup_free_ char *parent = NULL, *real = NULL;
	unsigned long fd;
	char *end;

	if (!name || name[1] < '0' || name[1] > '9')
		return -1;
	parent = strndup(path, (size_t)(name - path) + 1);
	real = parent ? realpath(parent, NULL) : NULL;
	if (!real || !is_descriptor_dir(real))
		return -1;
	fd = strtoul(name + 1, &end, 10);
	return *end || fd > INT_MAX ? -1 : (int)fd;
}

/*
 * The number of the descriptor that FROM is a link to, by way of other links; -1: none. To
 * open such a link would open its file anew, at the start and to be cut there.
 */
static int own_descriptor(const char *from)
{
	char path[PATH_MAX], target[PATH_MAX];

	snprintf(path, sizeof(path), "%s", from);
	for (int i = 0; i < LINKS_MAX; i++) {
		const char *slash = strrchr(path, '/');
		size_t before = slash ? (size_t)(slash - path) + 1 : 0;
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		int fd = n < 0 ? -1 : number_of(path);

		if (n < 0 || fd >= 0)
			return fd;
		if (target[0] == '/')
			before = 0;
		if (before + (size_t)n >= sizeof(path))
			return -1;
		memcpy(path + before, target, (size_t)n);
		path[before + (size_t)n] = 0;
	}
	return -1;
}

static int write_link(const char *path, const void *data, size_t bytes, int timeout_ms)
{
	int fd = own_descriptor(path);

	if (fd < 0)
		return write_through(path, data, bytes, timeout_ms);
	fflush(NULL); /* what was said before comes before */
	return write_descriptor(fd, data, bytes, timeout_ms);
}

/* ---- as a whole ---- */

/*
 * Whether the file system DEV is devtmpfs, of which there is one for the whole machine. By its
 * statfs(2) it is a tmpfs.
 */
static int is_devtmpfs(dev_t dev)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	bool found = false;

	if (!f)
		return -errno;
	while (!found && getline(&line, &room, f) > 0) {
		const char *type = strstr(line, " - ");
		unsigned major_number, minor_number;

		found = type && strncmp(type + 3, "devtmpfs ", 9) == 0 &&
			sscanf(line, "%*d %*d %u:%u ", &major_number, &minor_number) == 2 &&
			makedev(major_number, minor_number) == dev;
	}
	fclose(f);
	return found;
}

static int is_on_devtmpfs(int dirfd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(dirfd, &fs) < 0 || fstat(dirfd, &st) < 0)
		return -errno;
	return fs.f_type == TMPFS_MAGIC ? is_devtmpfs(st.st_dev) : 0;
}

/* Mode and owner of a file that takes the place of OLD. */
static int dress(int fd, const struct stat *old)
{
	mode_t mask = umask(0);

	umask(mask);
	if (!old)
		return fchmod(fd, 0666 & ~mask) < 0 ? -errno : 0;
	/* Without the right to give it away it stays ours, and then others' bits mean us. */
	if (fchown(fd, old->st_uid, old->st_gid) < 0 && errno != EPERM)
		return -errno;
	return fchmod(fd, old->st_mode & 0777) < 0 ? -errno : 0;
}

/* OLD is NULL where there was nothing: what has come there since then stays. */
static int put_in_place(const struct place *p, const char *temporary,
			const struct stat *old)
{
	if (!old) {
		if (renameat2(p->dirfd, temporary, p->dirfd, p->name, RENAME_NOREPLACE) ==
		    0)
			return 0;
		if (errno != EINVAL) /* not every file system knows that */
			return -errno;
		if (faccessat(p->dirfd, p->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return -EEXIST;
		if (errno != ENOENT)
			return -errno;
	}
	return renameat(p->dirfd, temporary, p->dirfd, p->name) < 0 ? -errno : 0;
}

/* A new file beside NAME; -EEXIST only where somebody makes them all. */
static int make_temporary(const struct place *p, char ret[static TEMPORARY_BYTES])
{
	int fd = -1;

	for (int i = 0; i < 100; i++) {
		snprintf(ret, TEMPORARY_BYTES, ".elfcast-%d-%d.new", (int)getpid(), i);
		fd = openat(p->dirfd, ret,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* Takes FD. */
static int fill(int fd, const struct stat *old, const void *data, size_t bytes)
{
	int r = io_write_full(fd, data, bytes);

	if (r == 0)
		r = dress(fd, old);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

static int replace(const struct place *p, const struct stat *old, const void *data,
		   size_t bytes)
{
	char temporary[TEMPORARY_BYTES];
	int fd = make_temporary(p, temporary), r;

	if (fd < 0)
		return fd;
	r = fill(fd, old, data, bytes);
	if (r == 0)
		r = put_in_place(p, temporary, old);
	if (r < 0)
		unlinkat(p->dirfd, temporary, 0);
	else
		fsync(p->dirfd); /* which not every file system can */
	return r;
}

/* Ctrl-C meanwhile would leave the temporary file behind. */
static int replace_undisturbed(const struct place *p, const struct stat *old,
			       const void *data, size_t bytes)
{
	sigset_t block, before;
	int r;

	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGHUP);
	sigprocmask(SIG_BLOCK, &block, &before);
	r = replace(p, old, data, bytes);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

int output_file_write(const char *path, const void *data, size_t bytes, int timeout_ms)
{
	struct place p = { .dirfd = -1 };
	bool exists;
	struct stat st;
	int r;

	exists = lstat(path, &st) == 0;
	if (!exists && errno != ENOENT)
		return -errno;
	if (exists && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (exists && S_ISLNK(st.st_mode))
		return write_link(path, data, bytes, timeout_ms);
	if (exists && !S_ISREG(st.st_mode))
		return write_through(path, data, bytes, timeout_ms);
	r = find_place(path, &p);
	if (r < 0)
		return r;
	r = is_on_devtmpfs(p.dirfd);
	if (r > 0)
		r = write_through(path, data, bytes, timeout_ms);
	else if (r == 0)
		r = replace_undisturbed(&p, exists ? &st : NULL, data, bytes);
	close(p.dirfd);
	return r;
}

const char *output_file_error(int error)
{
	return error == -ENXIO ? "nobody reads from it" : error_text(error);
}
