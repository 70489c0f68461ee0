/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>

#include "bounds.h"
#include "fstypes.h"
#include "proc-maps.h"
#include "system-files.h"

/* Paths, and a byte per page of each file: at most some 100 MiB and 256 MiB of address space. */
#define MAX_FILES (1u << 18)
#define MAX_PAGES (1u << 28)
/* Key of a file on overlayfs: its pages belong to a layer that is not to be told. */
#define ANY_LAYER 0

#ifndef FAN_MARK_EVICTABLE /* Linux 5.19 */
#define FAN_MARK_EVICTABLE 0x200
#endif

static bool has_room(const struct system_files *f)
{
	return f->files.n < MAX_FILES && f->n_file_pages < MAX_PAGES;
}

static int add_key(struct system_files *f, dev_t dev, ino_t ino, struct traced_file *file)
{
	bool clash;
	int r = traced_files_add_cache(&f->files, dev, ino, file, &clash);

	f->n_clashes += r == 0 && clash;
	return r;
}

/*
 * Pages of a file on overlayfs belong to a layer's inode. Its number is the file's, or with
 * xino that in the lower bits; its device is a layer's, which need not be mounted elsewhere.
 */
static int add_overlay_keys(struct system_files *f, struct traced_file *file)
{
	ino_t ino = file->object.ino;
	int r = add_key(f, ANY_LAYER, ino, file);

	return r == 0 && ino > UINT32_MAX ? add_key(f, ANY_LAYER, (uint32_t)ino, file) : r;
}

/* FILE, maybe NULL, has just been found. */
static int learn(struct system_files *f, struct traced_file *file)
{
	const char *path = file ? file->object.path : NULL;
	dev_t dev;

	if (!file)
		return 0;
	if (fstype_find(mounts_fstype(f->files.mounts, path))->layered)
		return add_overlay_keys(f, file);
	if (mounts_superblock(f->files.mounts, path, &dev) < 0)
		return 0;
	return add_key(f, dev, file->object.ino, file);
}

/* Whether it is known is told in *RET_KNOWN. */
static int learn_open(struct system_files *f, pid_t pid, int fd, bool *ret_known)
{
	size_t n = f->files.n;
	struct traced_file *file;

	*ret_known = false;
	if (!has_room(f)) {
		f->n_overflows++;
		return 0;
	}
	file = traced_files_by_fd(&f->files, pid, fd);
	*ret_known = file || f->files.n != n;
	if (f->files.n == n)
		return 0;
	if (file)
		f->n_file_pages += file->object.n_pages;
	return learn(f, file);
}

static int learn_fd(struct system_files *f, pid_t pid, int fd)
{
	bool known;

	return learn_open(f, pid, fd, &known);
}

static int learn_mapping(struct system_files *f, const struct proc_mapping *m)
{
	size_t n = f->files.n;
	struct traced_file *file;

	if (m->name[0] != '/' || !has_room(f))
		return 0;
	file = traced_files_by_mapping(&f->files, 0, m->dev, m->ino, m->name,
				       (m->off >> PAGE_SHIFT) +
					       ((m->end - m->start) >> PAGE_SHIFT));
	if (!file)
		return 0;
	if (f->files.n != n)
		f->n_file_pages += file->object.n_pages;
	return learn(f, file);
}

/* Who has ended meanwhile has none. */
static int learn_mappings(struct system_files *f, pid_t pid)
{
	struct proc_mapping m;
	struct proc_maps maps;
	int r = 0;

	if (proc_maps_open(pid, &maps) < 0)
		return 0;
	while (r == 0 && proc_maps_next(&maps, &m))
		r = learn_mapping(f, &m);
	proc_maps_done(&maps);
	return r;
}

static int learn_fds(struct system_files *f, pid_t pid)
{
	struct dirent *e;
	char path[32];
	DIR *dir;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && r == 0 && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			r = learn_fd(f, pid, atoi(e->d_name));
	if (dir)
		closedir(dir);
	return r;
}

int system_files_learn_running(struct system_files *f)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (e = readdir(dir))) {
		pid_t pid = atoi(e->d_name);

		if (pid <= 0)
			continue;
		r = learn_mappings(f, pid);
		if (r == 0)
			r = learn_fds(f, pid);
	}
	closedir(dir);
	return r;
}

/* ---- notifications ---- */

/* Marks that are there already do no harm. */
static void mark_mounts(struct system_files *f)
{
	struct mount_line line;

	for (size_t i = 0; mounts_get(f->files.mounts, i, &line); i++)
		if (traced_files_path_counts(&f->files, line.point))
			fanotify_mark(f->fanotify_fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
				      FAN_OPEN, AT_FDCWD, line.point);
}

int system_files_follow_mounts(struct system_files *f)
{
	int r = traced_files_follow_mounts(&f->files);

	if (r > 0)
		mark_mounts(f);
	return MIN(r, 0);
}

/*
 * Nothing new is told by opening a known file once more: most opens of a boot are. The exact
 * recording hears of them all the same: there it does not matter what that takes.
 */
static void ignore_known(const struct system_files *f, int fd)
{
	fanotify_mark(f->fanotify_fd,
		      FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY |
			      FAN_MARK_EVICTABLE,
		      FAN_OPEN, fd, NULL);
}

static int take_notification(struct system_files *f,
			     const struct fanotify_event_metadata *e)
{
	bool known;
	int r;

	f->n_overflows += (e->mask & FAN_Q_OVERFLOW) != 0;
	if (e->fd < 0)
		return 0;
	r = learn_open(f, getpid(), e->fd, &known);
	if (known && f->light)
		ignore_known(f, e->fd);
	close(e->fd);
	return r;
}

/* A file that cannot be opened for us is an error of read(2), and gone. */
int system_files_drain(struct system_files *f)
{
	_Alignas(struct fanotify_event_metadata) char buffer[4096];
	ssize_t n;

	while ((n = read(f->fanotify_fd, buffer, sizeof(buffer))) > 0 ||
	       (n < 0 && errno != EAGAIN && errno != EINVAL && errno != EBADF)) {
		struct fanotify_event_metadata *e = (void *)buffer;

		for (; n > 0 && FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
			int r = take_notification(f, e);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

bool system_files_has_disk(const struct system_files *f, dev_t dev)
{
	struct mount_line line;

	for (size_t i = 0; mounts_get(f->files.mounts, i, &line); i++)
		if (line.dev == dev && traced_files_path_counts(&f->files, line.point))
			return true;
	return false;
}

struct traced_file *system_files_find(const struct system_files *f, dev_t dev, ino_t ino)
{
	struct traced_file *file = traced_files_by_cache(&f->files, dev, ino);

	return file ? file : traced_files_by_cache(&f->files, ANY_LAYER, ino);
}

int system_files_init(struct system_files *f, bool light)
{
	int r;

	*f = (struct system_files){ .fanotify_fd = -1, .light = light };
	r = traced_files_init(&f->files);
	if (r < 0)
		return r;
	f->files.system_wide = true;
	f->fanotify_fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK,
				       O_RDONLY | O_CLOEXEC | O_LARGEFILE);
	if (f->fanotify_fd < 0)
		return -errno;
	mark_mounts(f);
	return 0;
}

void system_files_done(struct system_files *f)
{
	closep(&f->fanotify_fd);
	traced_files_done(&f->files);
}
