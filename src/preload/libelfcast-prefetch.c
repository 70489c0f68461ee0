/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For LD_PRELOAD: the program that this is loaded into asks, before its main(), for the pages that its launch
 * needs. elfcast-preload(7). It lives in a stranger's process, so: no malloc(), no thread, no name that it exports,
 * no descriptor, mapping or errno left behind; nothing at all where the caller is not to be trusted. It asks
 * and does not wait for data; names and inodes it waits for, as the program is going to.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bounds.h"
#include "clock.h"
#include "embedded-block.h"
#include "fstypes.h"
#include "io.h"
#include "object-open.h"
#include "plugged.h"
#include "prefetch-plan.h"
#include "store.h"

/* A launch is not kept longer from beginning, between one call and the next. */
#define MOST_US	     1000000u
/* Files that are open at a time; the program's own limit is not touched. */
#define MOST_OPEN    64u
/* Of one program. */
#define MOST_SHADOWS 8u

enum { FILE_NEW = -1, FILE_SKIPPED = -2 };

/* One launch that is asked for. */
struct asking {
	const struct shadow *s;
	int exe;
	int *fds; /* by object: open, or FILE_… */
	unsigned n_open;
	uint64_t until_us;
	struct plugged batch;
};

static void *get_room(size_t bytes)
{
	void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	return room == MAP_FAILED ? NULL : room;
}

/* ---- files ---- */

/*
 * Local, and no image: that is unpacked by whoever asks, and this thread is in no hurry to do what it may as well
 * do when it needs it.
 */
static bool is_worth_asking(int fd)
{
	const struct fstype *type;
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	type = fstype_from_magic((uint32_t)fs.f_type);
	return type->local && !type->image;
}

/* The one that O is about, or FILE_SKIPPED. */
static int open_object(const struct asking *a, const struct shadow_object *o)
{
	const char *path = shadow_string(a->s, o->path);
	bool is_program = strcmp(path, shadow_string(a->s, a->s->launches[0].program)) == 0;
	struct stat st;
	int fd = is_program ? fcntl(a->exe, F_DUPFD_CLOEXEC, 0)
			    : open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW |
						 O_CLOEXEC);

	if (fd < 0)
		return FILE_SKIPPED;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_worth_asking(fd) &&
	    object_check(o, &st, fd) == OBJECT_USED)
		return fd;
	close(fd);
	return FILE_SKIPPED;
}

/* For what is still to be asked for; then nothing is open. */
static void finish_batch(struct asking *a)
{
	if (a->batch.n > 0)
		plugged_ask(&a->batch);
	for (uint32_t i = 0; i < a->s->n_objects; i++)
		if (a->fds[i] >= 0) {
			close(a->fds[i]);
			a->fds[i] = FILE_NEW;
		}
	a->n_open = 0;
}

static void ask_extent(struct asking *a, const struct shadow_extent *e)
{
	const uint32_t step = PREFETCH_CALL_BYTES / PAGE_BYTES;
	uint32_t object = le32_get(e->object), first = le32_get(e->first_pgno);
	uint32_t end = first + le32_get(e->n_pages);
	int *fd = &a->fds[object];

	if (*fd == FILE_NEW) {
		*fd = open_object(a, &a->s->objects[object]);
		a->n_open += *fd >= 0;
	}
	if (*fd < 0)
		return;
	while (first < end) {
		uint32_t n = MIN(end - first, step);

		plugged_add(&a->batch, *fd, (off_t)first * PAGE_BYTES, n);
		first += n;
		if (a->batch.n == PLUGGED_RANGES || a->batch.n_pages >= step)
			plugged_ask(&a->batch);
	}
	if (a->n_open >= MOST_OPEN)
		finish_batch(a);
}

static void read_shadow(const struct shadow *s, int exe)
{
	struct asking a = { .s = s, .exe = exe, .until_us = clock_us() + MOST_US };
	size_t bytes = (s->n_objects + 1) * sizeof(*a.fds);

	a.fds = get_room(bytes);
	if (!a.fds)
		return;
	for (uint32_t i = 0; i < s->n_objects; i++)
		a.fds[i] = FILE_NEW;
	for (uint32_t i = 0; i < s->n_extents && clock_us() < a.until_us; i++)
		ask_extent(&a, &s->extents[i]);
	finish_batch(&a);
	munmap(a.fds, bytes);
}

/* ---- what there is to read ---- */

/* The shadow at OFF of FD, if it is one. With DEFAULT_ONLY of no other scenario. True: it was read. */
static bool read_from(int fd, uint64_t off, size_t bytes, int exe, bool default_only)
{
	struct shadow s, places;
	void *data = bytes > 0 ? get_room(bytes) : NULL;
	bool is_read = false;

	if (!data)
		return false;
	if (io_read_at(fd, off, data, bytes) == 0 &&
	    shadow_parse_launch(data, bytes, &s, &places) == 0 &&
	    (!default_only ||
	     strcmp(shadow_string(&s, s.launches[0].scenario), "default") == 0)) {
		read_shadow(&s, exe);
		is_read = true;
	}
	munmap(data, bytes);
	return is_read;
}

static bool read_file(int dir, const char *name, int exe, bool default_only)
{
	_cleanup_close_ int fd = openat(
		dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
	       st.st_size <= LIMIT_SHADOW_BYTES &&
	       read_from(fd, 0, (size_t)st.st_size, exe, default_only);
}

struct dirent64_head {
	uint64_t ino;
	int64_t off;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

/* How many shadows of PROGRAM in DIR were read. */
static unsigned read_those_in(int dir, const char *program, int exe, bool default_only)
{
	_Alignas(8) char names[4096];
	unsigned n = 0;
	long got;

	if (lseek(dir, 0, SEEK_SET) < 0)
		return 0;
	while ((got = syscall(SYS_getdents64, dir, names, sizeof(names))) > 0)
		for (long at = 0; at < got && n < MOST_SHADOWS;) {
			const struct dirent64_head *d = (const void *)(names + at);

			if (store_shadow_is_of(d->name, program))
				n += read_file(dir, d->name, exe, default_only);
			at += d->bytes;
		}
	return n;
}

static bool read_compiled(const char *program, int exe)
{
	_cleanup_close_ int dir = -1;

	for (unsigned usr = 0; usr < 2 && dir < 0; usr++)
		dir = open(store_shadows_path(usr), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 && (read_those_in(dir, program, exe, true) > 0 ||
			    read_those_in(dir, program, exe, false) > 0);
}

static void read_embedded(int exe)
{
	struct embedded e;
	uint64_t off;
	size_t bytes;

	if (embedded_find(exe, &e) == 0 && embedded_find_shadow(exe, &e, &off, &bytes) == 0)
		read_from(exe, off, bytes, exe, false);
}

static void read_for_this_program(void)
{
	_cleanup_close_ int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char program[PATH_MAX];
	ssize_t n = exe < 0 ? -1 : readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n <= 0)
		return;
	program[n] = 0;
	if (!read_compiled(program, exe))
		read_embedded(exe);
}

__attribute__((constructor)) static void begin(void)
{
	int error = errno;

	if (!getauxval(AT_SECURE))
		read_for_this_program();
	errno = error;
}
