/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "io.h"
#include "macro.h"
#include "settings.h"
#include "vec.h"

/* A file of the kernel's that holds a number; open. */
struct setting {
	int fd;
	const char *value; /* while recording */
	char before[32];
};

/* glibc has these calls since 2.36. */
int settings_open_fs(const char *fstype)
{
	_cleanup_close_ int fs = (int)syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int settings_read(int dirfd, const char *path, char *ret, size_t bytes)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	size_t got = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (got < bytes - 1 && (n = read(fd, ret + got, bytes - 1 - got)) != 0) {
		if (n < 0)
			return -errno;
		got += (size_t)n;
	}
	ret[got] = 0;
	return 0;
}

int settings_add(struct settings *s, int dirfd, const char *path, const char *value)
{
	struct setting new = { .fd = -1, .value = value };
	_cleanup_close_ int fd = -1;
	int r = settings_read(dirfd, path, new.before, sizeof(new.before));

	if (r < 0)
		return r;
	fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (VEC_RESERVE_ONE(s->items, s->n, s->capacity) < 0)
		return -ENOMEM;
	new.fd = TAKE_FD(fd);
	s->items[s->n++] = new;
	return 0;
}

/*
 * Who comes second would find our value there, and put that back. The lock is the open file's, which
 * the keeper has as well.
 */
int settings_add_fault_around(struct settings *s)
{
	_cleanup_close_ int debugfs = settings_open_fs("debugfs");
	int r = debugfs < 0 ? debugfs
			    : settings_add(s, debugfs, "fault_around_bytes", "4096");
	struct setting *last;

	if (r < 0)
		return r;
	last = &s->items[s->n - 1];
	if (flock(last->fd, LOCK_EX | LOCK_NB) == 0)
		return settings_read(debugfs, "fault_around_bytes", last->before,
				     sizeof(last->before));
	r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(last->fd);
	s->n--;
	return r;
}

/*
 * In sysfs and debugfs the position does not matter to such a file, and debugfs refuses pwrite():
 * simple_attr_open() in fs/libfs.c says nonseekable_open().
 */
static ssize_t setting_write(const struct setting *s, const char *value)
{
	return write(s->fd, value, strlen(value));
}

int settings_change(struct settings *s)
{
	for (size_t i = 0; i < s->n; i++)
		/* The device is gone: a btrfs that was unmounted has had its own. */
		if (setting_write(&s->items[i], s->items[i].value) < 0 && errno != ENODEV)
			return -errno;
	return 0;
}

static void put_back(struct settings *s)
{
	for (size_t i = s->n; i-- > 0;) {
		ssize_t n = setting_write(&s->items[i], s->items[i].before);

		(void)n; /* the device may be gone */
	}
	if (s->at_end)
		s->at_end(s->userdata);
}

_Noreturn static void keep(struct settings *s, int fd)
{
	sigset_t all;
	char byte;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
	put_back(s);
	_exit(0);
}

int settings_keep(struct settings *s)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	s->keeper = fork();
	if (s->keeper == 0) {
		close(fds[1]);
		keep(s, fds[0]);
	}
	close(fds[0]);
	s->keeper_fd = fds[1];
	return s->keeper < 0 ? -errno : 0;
}

void settings_leave(struct settings *s)
{
	for (size_t i = 0; i < s->n; i++)
		close(s->items[i].fd);
	free(s->items);
	closep(&s->keeper_fd);
	*s = SETTINGS_NONE;
}

void settings_done(struct settings *s)
{
	int status = -1;

	closep(&s->keeper_fd);
	if (s->keeper > 0)
		waitpid(s->keeper, &status, 0);
	if (status != 0) /* it was killed, or never there */
		put_back(s);
	settings_leave(s);
}
