/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "blockdev.h"
#include "macro.h"
#include "pace.h"

/*
 * A disk that others read from is left to them until it has been quiet for as long as a
 * launch computes between two reads, and for 40 times what a batch of ours takes there: 100
 * ms on a memory card, a second on a disk that seeks. Then it is tried with one batch, so that
 * they lose some 2 % of their time. One that is never quiet is tried all the same, every few
 * of these times.
 */
#define QUIET_MIN_MS  100
#define QUIET_MAX_MS  1000
#define QUIET_BATCHES 40
#define YIELD_TIMES   5
/* And at the beginning, when it has read nothing yet. */
#define START_MAX_MS  10000

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* What was done since: a batch or the opening of a file, ours and what hindered it. */
static void note_batch(struct pace *p)
{
	int64_t took_us = p->returned_us ? now_us() - p->returned_us : 0;

	p->batch_us = MAX(took_us, p->batch_us - p->batch_us / 8);
}

static int quiet_ms(const struct pace *p)
{
	int64_t ms = p->batch_us * QUIET_BATCHES / 1000;

	return (int)MIN(MAX(ms, QUIET_MIN_MS), QUIET_MAX_MS);
}

/* Whether the supervisor wants us to end; waits up to MS for that. */
static bool is_stopped(const struct pace *p, int ms)
{
	struct pollfd fd = { .fd = p->stop_fd, .events = POLLIN };

	return poll(&fd, 1, ms) != 0;
}

uint64_t pace_available_bytes(const char *meminfo)
{
	const char *line = strstr(meminfo, "MemAvailable:");
	unsigned long long kb;

	return line && sscanf(line, "MemAvailable: %llu kB", &kb) == 1 ? kb << 10
								       : UINT64_MAX;
}

static bool has_memory(const struct pace *p)
{
	char text[512];
	ssize_t n = pread(p->meminfo_fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return true;
	text[n] = 0;
	return pace_available_bytes(text) >= p->reserve_bytes;
}

/* The lock is held: the other threads wait, too. False: stopped meanwhile. */
static bool let_others_read(struct pace *p)
{
	int times = 0, ms = quiet_ms(p);

	if (!disk_reads_by_others(&p->disks))
		return true;
	p->counts->n_yields++;
	do {
		if (is_stopped(p, ms))
			return false;
		p->counts->yielded_us += (uint64_t)ms * 1000;
	} while (disk_reads_by_others(&p->disks) && ++times < YIELD_TIMES);
	p->trial = true;
	p->trial_thread = pthread_self();
	return true;
}

/* Whoever tries the disk may find nothing left to read, and not come back. */
static void wait_for_trial(struct pace *p)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += QUIET_MIN_MS * 1000000l;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (p->trial && !pthread_equal(p->trial_thread, pthread_self()))
		if (pthread_cond_clockwait(&p->trial_over, &p->lock, CLOCK_MONOTONIC,
					   &until) == ETIMEDOUT)
			break;
	p->trial = false;
	pthread_cond_broadcast(&p->trial_over);
}

static void publish(struct pace *p, uint64_t pages_asked)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	p->counts->cpu_us = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
	p->counts->pages_asked = pages_asked;
	p->counts->bytes_read = disk_reads_own(p->disks.io_fd);
}

static bool go_on(void *userdata, uint64_t pages_asked)
{
	struct pace *p = userdata;
	bool yes;

	pthread_mutex_lock(&p->lock);
	note_batch(p);
	publish(p, pages_asked);
	yes = !is_stopped(p, 0);
	if (yes && !has_memory(p)) {
		p->counts->stop = BOOT_STOP_MEMORY;
		yes = false;
	}
	wait_for_trial(p);
	yes = yes && let_others_read(p);
	p->returned_us = now_us();
	pthread_mutex_unlock(&p->lock);
	return yes;
}

void pace_init(struct pace *p, const struct boot_part *part, struct boot_counts *counts,
	       const struct boot_counts *other)
{
	*p = (struct pace){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.trial_over = PTHREAD_COND_INITIALIZER,
		.stop_fd = part->stop_fd,
		.reserve_bytes = part->options->reserve_bytes,
		.counts = counts,
		.meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC),
	};
	disk_reads_init(&p->disks, open("/proc/self/io", O_RDONLY | O_CLOEXEC),
			blockdev_open_sys(), &other->bytes_read);
}

void pace_watch_disks(struct pace *p, const char *root_path)
{
	/* Where programs are, this one too, and the pack. */
	static const char *const paths[] = { "/usr", "/var/lib" };
	struct mounts *mounts;

	if (mounts_load(&mounts) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		disk_reads_add_path(&p->disks, mounts, root_path, paths[i]);
	mounts_free(mounts);
}

bool pace_wait_quiet(struct pace *p, const struct boot_part *part)
{
	int64_t limit_ms =
		part->options->deadline_ms ? part->options->deadline_ms : INT64_MAX / 1000;

	for (int ms = 0; ms < START_MAX_MS; ms += QUIET_MIN_MS) {
		if (is_stopped(p, QUIET_MIN_MS))
			return false;
		if (now_us() - (int64_t)part->start_us >= limit_ms * 1000) {
			p->counts->stop = BOOT_STOP_DEADLINE;
			return false;
		}
		if (!disk_reads_by_others(&p->disks))
			break;
		p->counts->n_yields = 1;
		p->counts->yielded_us += QUIET_MIN_MS * 1000;
	}
	return true;
}

void pace_publish(struct pace *p)
{
	publish(p, 0);
}

void pace_wait_hangup(const struct boot_part *part, int ms)
{
	struct pollfd fds[] = {
		{ .fd = part->before_fd }, /* hanging up is told unasked */
		{ .fd = part->stop_fd, .events = POLLIN },
	};

	if (part->before_fd >= 0)
		poll(fds, ARRAY_SIZE(fds), ms);
}

/* 0 would be no deadline. */
static unsigned left_ms(uint64_t deadline_us)
{
	uint64_t now = (uint64_t)now_us();

	return now + 1000 < deadline_us ? (unsigned)((deadline_us - now) / 1000) : 1;
}

int pace_prefetch(struct pace *p, const struct store *store, const struct shadow *s,
		  uint64_t max_pages, uint64_t deadline_us, struct prefetch_report *ret)
{
	struct prefetch_options options = {
		.rootfd = store->rootfd,
		.root_path = store->root_path,
		.max_pages = MAX(max_pages, UINT64_C(1)),
		.gentle = true,
		.go_on = go_on,
		.userdata = p,
	};
	struct mounts *mounts; /* stays: threads that hang may still use it */
	int r = mounts_load(&mounts);

	if (r < 0)
		return r;
	disk_reads_add_objects(&p->disks, mounts, store->root_path, s);
	options.deadline_ms = left_ms(deadline_us);
	r = prefetch_run(s, mounts, &options, ret);
	if (r == 0)
		publish(p, ret->n_pages_asked);
	return r;
}
