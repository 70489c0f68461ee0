/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "front.h"
#include "macro.h"
#include "tracee.h"

void front_done(struct front *f)
{
	free(f->path);
	free(f->dir);
	free(f->first_executed);
	f->path = f->dir = f->first_executed = NULL;
	f->n_executed = 0;
}

static char *read_link(pid_t pid, const char *name)
{
	char path[64], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0 || target[0] != '/')
		return NULL;
	target[n] = 0;
	return strdup(target);
}

/* Words of its line, as many as there is room for. */
static void split(const struct front *f, char *ret[static FRONT_MAX_WORDS + 1])
{
	const char *c = f->line, *end;
	size_t n = 0;

	/* What is cut short is no word. */
	while (n < FRONT_MAX_WORDS &&
	       (end = memchr(c, 0, f->line_bytes - (size_t)(c - f->line)))) {
		ret[n++] = (char *)(uintptr_t)c;
		c = end + 1;
	}
	ret[n] = NULL;
}

static void come_to_front(struct front *f, pid_t pid, const char *path)
{
	char *argv[FRONT_MAX_WORDS + 1], proc[64];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/%d/cmdline", pid);
	fd = open(proc, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, f->line, sizeof(f->line));
	front_done(f);
	f->pid = pid;
	f->line_bytes = (size_t)MAX(n, 0);
	f->path = path ? strdup(path) : read_link(pid, "exe");
	f->dir = read_link(pid, "cwd");
	split(f, argv);
	f->starts = f->path ? command_line_starts(f->path, argv) : STARTS_NOTHING;
}

static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

/*
 * By its path, or by its file, which another mount namespace may have elsewhere; but of links to one
 * file each is another program, if it is known how it was called.
 */
static bool is_program(pid_t pid, const char *path, const char *of)
{
	char exe[64];
	struct stat its, ours;

	if (path && strcmp(path, of) == 0)
		return true;
	if (path && strcmp(base_name(path), base_name(of)) != 0)
		return false;
	snprintf(exe, sizeof(exe), "/proc/%d/exe", pid);
	return stat(exe, &its) == 0 && stat(of, &ours) == 0 && its.st_dev == ours.st_dev &&
	       its.st_ino == ours.st_ino;
}

/* What PAM executes for su, say. */
static bool is_on_the_way(pid_t pid, const char *path)
{
	_cleanup_free_ char *exe = path ? NULL : read_link(pid, "exe");

	if (!path)
		path = exe;
	return path && command_line_is_on_the_way(path);
}

/* Whether it is what the one in front was there for. */
static bool is_awaited(struct front *f, pid_t pid, const char *path)
{
	if (f->starts == STARTS_NOTHING || (f->pid != pid && tracee_parent(pid) != f->pid))
		return false;
	if (f->starts == STARTS_CHILD)
		return !is_on_the_way(pid, path);
	if (f->pid == pid && f->n_executed == 0)
		return true;
	/* A shell that may have more to do than that. */
	if (f->n_executed++ == 0 && path)
		f->first_executed = strdup(path);
	return false;
}

void front_stay(struct front *f)
{
	f->starts = STARTS_NOTHING;
}

bool front_executed(struct front *f, pid_t pid, const char *path, const char *of)
{
	if (f->pid == 0 ? of && !is_program(pid, path, of) : !is_awaited(f, pid, path))
		return false;
	come_to_front(f, pid, path);
	return true;
}

int front_interpreted(const struct front *f, char **ret)
{
	char *argv[FRONT_MAX_WORDS + 1];

	*ret = NULL;
	if (!f->path || !f->dir)
		return 0;
	split(f, argv);
	return command_line_interpreted(f->path, argv, f->dir, ret);
}
