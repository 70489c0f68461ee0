/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collects what pace_decide() wants to know, obeys it, and counts what was done for the report. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "blockdev.h"
#include "clock.h"
#include "macro.h"
#include "pace-decide.h"
#include "pace.h"
#include "prefetch-plan.h"

/* ioprio_set(2): of this process, the idle class; obeyed by bfq and mq-deadline. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE	   (3 << 13)
#define NICEST		   19
/* How long it looks, before the first batch, whether the disks are quiet. */
#define LOOK_MS		   100
/* After it whoever tries the disk alone is not waited for any more. */
#define TRIAL_MS	   100

/* What was done since: a batch or the opening of a file, ours and what hindered it. */
static void note_batch(struct pace *p)
{
	uint64_t took_us = p->returned_us ? clock_us() - p->returned_us : 0;

	p->batch_us = pace_longest_us(p->batch_us, took_us);
}

/* Whether the supervisor wants us to end; waits up to MS for that. */
static bool is_stopped(const struct pace *p, unsigned ms)
{
	struct pollfd fd = { .fd = p->stop_fd, .events = POLLIN };

	return clock_poll(&fd, 1, clock_in_ms(ms)) != 0;
}

uint64_t pace_available_bytes(const char *meminfo)
{
	const char *line = strstr(meminfo, "MemAvailable:");
	unsigned long long kb;

	return line && sscanf(line, "MemAvailable: %llu kB", &kb) == 1 ? kb << 10
								       : UINT64_MAX;
}

/* UINT64_MAX: there is no telling. */
static uint64_t available_bytes(const struct pace *p)
{
	char text[512];
	ssize_t n = pread(p->meminfo_fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return UINT64_MAX;
	text[n] = 0;
	return pace_available_bytes(text);
}

/* The lock is held: the other threads wait, too. */
static enum pace_step let_others_read(struct pace *p, struct pace_facts *f)
{
	unsigned ms = pace_quiet_ms(p->batch_us);
	enum pace_step step;

	f->others_read = !p->eager && disk_reads_by_others(&p->disks);
	while ((step = pace_decide(f)) == PACE_WAIT) {
		p->counts->n_yields += f->n_waits == 0;
		f->stopped = is_stopped(p, ms);
		if (!f->stopped)
			p->counts->yielded_us += ms * UINT64_C(1000);
		f->others_read = disk_reads_by_others(&p->disks);
		f->n_waits++;
	}
	return step;
}

/* Whoever tries the disk may find nothing left to read, and not come back. */
static void wait_for_trial(struct pace *p)
{
	const struct timespec until = clock_timespec(clock_in_ms(TRIAL_MS));

	while (p->trial && !pthread_equal(p->trial_thread, pthread_self()))
		if (pthread_cond_clockwait(&p->trial_over, &p->lock, CLOCK_MONOTONIC,
					   &until) == ETIMEDOUT)
			break;
	p->trial = false;
	pthread_cond_broadcast(&p->trial_over);
}

static void publish(struct pace *p, uint64_t pages_asked)
{
	p->counts->cpu_us = clock_cpu_us();
	p->counts->pages_asked = p->pages_before + pages_asked;
	p->counts->bytes_read = disk_reads_own(p->disks.io_fd);
	boot_timeline_add(p->timeline,
			  (struct boot_sample){
				  .us = (uint32_t)(clock_us() - p->start_us),
				  .asked_pages = (uint32_t)p->counts->pages_asked,
				  .read_kib = (uint32_t)(p->counts->bytes_read >> 10),
			  });
}

static void note_step(struct pace *p, enum pace_step step)
{
	if (step == PACE_NO_MEMORY)
		p->counts->stop = BOOT_STOP_MEMORY;
	else if (step == PACE_TOO_LATE)
		p->counts->stop = BOOT_STOP_DEADLINE;
	if (step != PACE_TRY)
		return;
	p->trial = true;
	p->trial_thread = pthread_self();
}

/* Whether the boot uses what is read for it. The lock is held. */
static bool is_used(struct pace *p)
{
	struct opens_count c;

	if (!p->opens)
		return true;
	c = opens_look(p->opens);
	p->used->n_passed = c.n_passed;
	p->used->n_used = c.n_used;
	p->is_unused |= opens_are_few(&c);
	return !p->is_unused;
}

static bool go_on(void *userdata, uint64_t pages_asked)
{
	struct pace *p = userdata;
	struct pace_facts f = { .reserve_bytes = p->reserve_bytes };
	enum pace_step step;

	pthread_mutex_lock(&p->lock);
	note_batch(p);
	publish(p, pages_asked);
	if (!is_used(p)) {
		pthread_mutex_unlock(&p->lock);
		return false;
	}
	f.available_bytes = available_bytes(p);
	wait_for_trial(p);
	f.stopped = is_stopped(p, 0);
	step = let_others_read(p, &f);
	note_step(p, step);
	p->returned_us = clock_us();
	pthread_mutex_unlock(&p->lock);
	return step == PACE_GO || step == PACE_TRY;
}

static void on_open(void *userdata, uint32_t index, int fd)
{
	struct pace *p = userdata;

	opens_watch(p->opens, index, fd);
}

void pace_init(struct pace *p, const struct boot_part *part, struct boot_counts *counts,
	       struct boot_timeline *timeline, const struct boot_counts *other)
{
	*p = (struct pace){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.trial_over = PTHREAD_COND_INITIALIZER,
		.stop_fd = part->stop_fd,
		.reserve_bytes = part->options->reserve_bytes,
		.counts = counts,
		.timeline = timeline,
		.start_us = part->start_us,
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
	unsigned limit_ms = part->options->deadline_ms;
	struct pace_start s = { .limit_us = limit_ms ? limit_ms * UINT64_C(1000)
						     : CLOCK_NEVER };
	enum pace_step step;

	do {
		s.stopped = is_stopped(p, LOOK_MS);
		s.waited_ms += LOOK_MS;
		s.age_us = clock_us() - part->start_us;
		s.others_read =
			disk_reads_by_others(&p->disks) || disk_reads_in_flight(&p->disks);
		step = pace_decide_start(&s);
		if (step == PACE_WAIT) {
			p->counts->n_yields = 1;
			p->counts->yielded_us += LOOK_MS * 1000;
		}
	} while (step == PACE_WAIT);
	note_step(p, step);
	return step == PACE_GO;
}

void pace_watch_opens(struct pace *p, const struct shadow *s, struct boot_eager *used)
{
	/* A disk that seeks is read by position: what the boot is past cannot be told. */
	if (prefetch_main_storage(s) == STORAGE_ROTATIONAL)
		return;
	p->used = used;
	if (opens_new(s, &p->opens) < 0)
		p->opens = NULL;
}

void pace_publish(struct pace *p)
{
	publish(p, 0);
}

void pace_step_back(struct pace *p)
{
	const struct sched_param none = { 0 };

	p->eager = false;
	p->opens = NULL; /* threads that hang may still use it */
	setpriority(PRIO_PROCESS, 0, NICEST);
	sched_setscheduler(0, SCHED_IDLE, &none);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

void pace_wait_hangup(const struct boot_part *part, int fd, uint64_t until_us)
{
	struct pollfd fds[] = {
		{ .fd = fd }, /* hanging up is told unasked */
		{ .fd = part->stop_fd, .events = POLLIN },
	};

	if (fd >= 0)
		clock_poll(fds, ARRAY_SIZE(fds), until_us);
}

int pace_prefetch(struct pace *p, const struct store *store, const struct shadow *s,
		  uint64_t max_pages, uint64_t deadline_us, struct prefetch_report *ret)
{
	struct prefetch_options options = {
		.rootfd = store->rootfd,
		.root_path = store->root_path,
		.max_pages = MAX(max_pages, UINT64_C(1)),
		.gentle = true,
		.eager = p->eager,
		.go_on = go_on,
		.on_open = p->opens ? on_open : NULL,
		.userdata = p,
	};
	const struct shadow part = p->eager ? shadow_slice(s, 0, s->n_eager)
					    : shadow_slice(s, s->n_eager, s->n_extents);
	struct mounts *mounts; /* stays: threads that hang may still use it */
	int r = mounts_load(&mounts);

	if (r < 0)
		return r;
	disk_reads_add_objects(&p->disks, mounts, store->root_path, s);
	options.deadline_ms = MAX(clock_left_ms(deadline_us), 1u); /* 0: none */
	r = prefetch_run(&part, mounts, &options, ret);
	if (r == 0)
		publish(p, ret->n_pages_asked);
	if (r == 0)
		p->pages_before += ret->n_pages_asked;
	return r;
}
