/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "bounds.h"
#include "io.h"
#include "large-folios.h"
#include "tracefs.h"

#define INSTANCE	  "elfcast"
#define EVENTS		  INSTANCE "/events/"
/*
 * Memory of all ring buffers, and of each. An event takes some 44 bytes. A light recording has a
 * fifth of the others' events, for there is fault-around.
 */
#define BUFFERS_KB	  65536u
#define BUFFERS_LIGHT_KB  16384u
#define BUFFER_KB_MIN	  1024u
#define BUFFER_KB_MAX	  16384u
#define REMOVE_TIMEOUT_MS 5000

/* ---- files of the kernel's ---- */

static int write_at(int dirfd, const char *path, const char *text)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : io_write_full(fd, text, strlen(text));
}

/* ---- settings ---- */

/* A file system with a number of its own: btrfs has a name there, others need nothing. */
static void add_named_readahead(struct tracefs *t)
{
	DIR *dir = opendir("/sys/class/bdi");
	struct dirent *e;
	char path[512];

	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, "btrfs-", 6) != 0)
			continue;
		snprintf(path, sizeof(path), "/sys/class/bdi/%s/read_ahead_kb", e->d_name);
		settings_add(&t->settings, AT_FDCWD, path, "0");
	}
	if (dir)
		closedir(dir);
}

static void add_readahead(struct tracefs *t, dev_t dev)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/bdi/read_ahead_kb", major(dev),
		 minor(dev));
	if (settings_add(&t->settings, AT_FDCWD, path, "0") == 0)
		return;
	/* A partition: its disk has it. */
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../bdi/read_ahead_kb",
		 major(dev), minor(dev));
	settings_add(&t->settings, AT_FDCWD, path, "0");
}

/*
 * What keeps pages from being mapped or read that nobody asked for. Fault-around maps up to 16
 * cached pages at a touch, and no event tells which of them are used later. Where it cannot be
 * turned off (debugfs is shut in a kernel locked down, as with Secure Boot), read-ahead can:
 * then a page is cached only when somebody needed it, and its first touch was seen. It is
 * turned off as well where a fault maps a whole large folio: without, no large ones are made.
 */
static int settings_find(struct tracefs *t, const struct mounts *mounts)
{
	int r = settings_add_fault_around(&t->settings);
	struct mount_line line;

	if (r == -EBUSY)
		return r;
	t->exact = r == 0;
	if (t->exact && !large_folios_map_whole())
		return 0;
	for (size_t i = 0; mounts_get(mounts, i, &line); i++)
		if (line.local && major(line.dev) != 0)
			add_readahead(t, line.dev);
	add_named_readahead(t);
	return 0;
}

/* ---- the end ---- */

/* Descriptors of a process that was killed are closed a little later than it ends. */
static void remove_instance(int instances_fd)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (int ms = 0; ms < REMOVE_TIMEOUT_MS; ms += 10) {
		if (unlinkat(instances_fd, INSTANCE, AT_REMOVEDIR) == 0 || errno != EBUSY)
			return;
		nanosleep(&pause, NULL);
	}
}

static void remove_ours(void *userdata)
{
	const struct tracefs *t = userdata;

	if (t->made)
		remove_instance(t->instances_fd);
}

/* ---- setting up ---- */

/* A recording that was killed together with its keeper leaves its instance. */
static int make_instance(int instances_fd)
{
	if (mkdirat(instances_fd, INSTANCE, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (unlinkat(instances_fd, INSTANCE, AT_REMOVEDIR) < 0)
		return -errno;
	return mkdirat(instances_fd, INSTANCE, 0700) < 0 ? -errno : 0;
}

static int read_format(const struct tracefs *t, const char *name, char *ret, size_t bytes)
{
	char path[128];

	snprintf(path, sizeof(path), EVENTS "%s/format", name);
	return settings_read(t->instances_fd, path, ret, bytes);
}

/* Those that MATCH, and not what we read ourselves. */
static int enable_event(const struct tracefs *t, const char *name, const char *match)
{
	char path[128], filter[128];
	int r;

	snprintf(filter, sizeof(filter), "common_pid != %d%s", (int)getpid(), match);
	snprintf(path, sizeof(path), EVENTS "%s/filter", name);
	r = write_at(t->instances_fd, path, filter);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), EVENTS "%s/enable", name);
	return write_at(t->instances_fd, path, "1");
}

static int set_up_event(struct tracefs *t, const char *name, const char *first,
			const char *last, struct page_event_format *ret)
{
	char text[8192];
	int r = read_format(t, name, text, sizeof(text));

	if (r == 0)
		r = page_event_format_parse(text, first, last, ret);
	return r < 0 ? -ENODEV : enable_event(t, name, "");
}

/*
 * Reads and executions of what is not mapped: these fault-around answers. An event of x86's; the
 * error code is the processor's (bits: present, write, user, reserved, instruction).
 */
static int set_up_touches(struct tracefs *t)
{
	char text[8192];
	int r = read_format(t, "exceptions/page_fault_user", text, sizeof(text));

	if (r == 0)
		r = touch_event_format_parse(text, &t->touch_user);
	if (r == 0)
		r = read_format(t, "exceptions/page_fault_kernel", text, sizeof(text));
	if (r == 0)
		r = touch_event_format_parse(text, &t->touch_kernel);
	t->has_touches = r == 0;
	if (r < 0)
		return 0;
	r = enable_event(t, "exceptions/page_fault_user",
			 " && (error_code == 4 || error_code == 20)");
	return r < 0 ? r
		     : enable_event(t, "exceptions/page_fault_kernel",
				    " && error_code == 0");
}

/* Reads ("R") of metadata ("M"), as blk_fill_rwbs() in kernel/trace/blktrace.c spells them. */
static int set_up_blocks(struct tracefs *t)
{
	static const char name[] = "block/block_bio_queue";
	char text[8192];
	int r = read_format(t, name, text, sizeof(text));

	if (r == 0)
		r = block_event_format_parse(text, &t->block);
	t->has_blocks = r == 0;
	return r < 0 ? 0 : enable_event(t, name, " && rwbs ~ \"R*M*\"");
}

static int set_up_events(struct tracefs *t, bool light)
{
	int r = set_up_event(t, "filemap/mm_filemap_fault", "index", NULL, &t->fault);

	if (r == 0)
		r = set_up_event(t, "filemap/mm_filemap_get_pages", "index", "last_index",
				 &t->get);
	if (r == 0)
		r = set_up_blocks(t);
	if (r < 0 || !light)
		return r;
	r = set_up_event(t, "filemap/mm_filemap_map_pages", "index", "last_index", &t->map);
	return r < 0 ? r : set_up_touches(t);
}

static int set_up_buffers(struct tracefs *t, bool light)
{
	unsigned kb =
		MAX((light ? BUFFERS_LIGHT_KB : BUFFERS_KB) / t->n_cpus, BUFFER_KB_MIN);
	char text[8192], number[16];
	int r;

	snprintf(number, sizeof(number), "%u", MIN(kb, BUFFER_KB_MAX));
	r = write_at(t->instances_fd, INSTANCE "/buffer_size_kb", number);
	if (r == 0)
		r = write_at(t->instances_fd, INSTANCE "/trace_clock", "mono");
	/* When full: the oldest stay, and the others are counted. */
	if (r == 0)
		r = write_at(t->instances_fd, INSTANCE "/trace_options", "nooverwrite");
	if (r == 0)
		r = settings_read(t->instances_fd, "../events/header_page", text,
				  sizeof(text));
	return r < 0 ? r : ring_layout_parse(text, &t->layout);
}

static int open_buffers(struct tracefs *t)
{
	char path[64];

	t->cpu_fds = calloc(t->n_cpus, sizeof(t->cpu_fds[0]));
	if (!t->cpu_fds)
		return -ENOMEM;
	for (unsigned i = 0; i < t->n_cpus; i++)
		t->cpu_fds[i] = -1;
	for (unsigned i = 0; i < t->n_cpus; i++) {
		snprintf(path, sizeof(path), INSTANCE "/per_cpu/cpu%u/trace_pipe_raw", i);
		t->cpu_fds[i] =
			openat(t->instances_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		/* Numbers of CPUs can have gaps. */
		if (t->cpu_fds[i] < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int start(struct tracefs *t, const struct mounts *mounts, bool light)
{
	int r = make_instance(t->instances_fd);

	if (r < 0)
		return r;
	t->made = true;
	if (!light)
		r = settings_find(t, mounts);
	if (r == 0)
		r = settings_keep(&t->settings);
	if (r == 0)
		r = open_buffers(t);
	if (r == 0)
		r = set_up_buffers(t, light);
	if (r == 0)
		r = settings_change(&t->settings);
	return r < 0 ? r : set_up_events(t, light);
}

/*
 * Asked before tracefs is touched: on a kernel locked down to confidentiality some opens there
 * do not fail but wait for ever. Its file system need not be mounted.
 */
static bool is_locked_down(void)
{
	_cleanup_close_ int securityfs = -1;
	char text[128];

	if (settings_read(AT_FDCWD, "/sys/kernel/security/lockdown", text, sizeof(text)) <
	    0) {
		securityfs = settings_open_fs("securityfs");
		if (securityfs < 0 ||
		    settings_read(securityfs, "lockdown", text, sizeof(text)) < 0)
			return false; /* a kernel without it */
	}
	return strstr(text, "[confidentiality]");
}

int tracefs_start(struct tracefs *t, const struct mounts *mounts, bool light)
{
	_cleanup_close_ int root = -1;
	int r;

	*t = TRACEFS_NONE;
	if (is_locked_down())
		return -EACCES;
	root = settings_open_fs("tracefs");
	if (root < 0)
		return root;
	t->n_cpus = (unsigned)MAX(sysconf(_SC_NPROCESSORS_CONF), 1);
	t->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	t->instances_fd = openat(root, "instances", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t->instances_fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	t->settings.at_end = remove_ours;
	t->settings.userdata = t;
	r = start(t, mounts, light);
	if (r < 0)
		tracefs_done(t);
	return r;
}

/* ---- running ---- */

ssize_t tracefs_read(const struct tracefs *t, unsigned cpu, void *page)
{
	ssize_t n;

	if (t->cpu_fds[cpu] < 0)
		return 0;
	n = read(t->cpu_fds[cpu], page, t->page_bytes);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n;
}

uint64_t tracefs_end(struct tracefs *t)
{
	uint64_t n_lost = 0, n;
	char path[64], text[4096];

	write_at(t->instances_fd, INSTANCE "/tracing_on", "0");
	for (unsigned i = 0; i < t->n_cpus; i++) {
		snprintf(path, sizeof(path), INSTANCE "/per_cpu/cpu%u/stats", i);
		if (settings_read(t->instances_fd, path, text, sizeof(text)) < 0)
			continue;
		if (ring_find_number(text, "overrun", &n))
			n_lost += n;
		if (ring_find_number(text, "dropped events", &n))
			n_lost += n;
	}
	return n_lost;
}

void tracefs_done(struct tracefs *t)
{
	for (unsigned i = 0; t->cpu_fds && i < t->n_cpus; i++)
		closep(&t->cpu_fds[i]);
	free(t->cpu_fds);
	settings_done(&t->settings);
	closep(&t->instances_fd);
	*t = TRACEFS_NONE;
}
