/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking up is done by several threads, since each waits for the disk, beside the reading
 * of pages. As with a job, a thread may sleep in a dead disk when the caller has left: what they
 * share is counted. Opening with O_PATH looks up and reads an inode, and touches nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "bounds.h"
#include "clock.h"
#include "fstypes.h"
#include "io.h"
#include "prefetch-launch.h"
#include "prefetch-plan.h"

#define N_THREADS	 8u
#define STACK_BYTES	 (256u << 10)
/* Names of a directory that are listed: 4 MiB are some 100,000. */
#define MAX_LISTED_BYTES (4u << 20)

struct look_up {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned n_users; /* the caller and the threads; the last one frees */
	unsigned n_working;
	_Atomic bool stop;
	_Atomic uint32_t n_done;
	int rootfd; /* owned */
	char *root_path;
	const struct mounts *mounts;
	bool placed; /* what lies on ext4 is being read by its places */
	unsigned n_threads;
	struct shadow_lookups next; /* under the lock */
};

static void look_up_unref(struct look_up *l)
{
	bool last;

	pthread_mutex_lock(&l->lock);
	last = --l->n_users == 0;
	pthread_mutex_unlock(&l->lock);
	if (!last)
		return;
	closep(&l->rootfd);
	free(l->root_path);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->ended);
	free(l);
}

/* ---- one name ---- */

static void list_directory(int path_fd)
{
	char proc[64], names[8192];
	_cleanup_close_ int fd = -1;
	size_t listed = 0;
	long n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", path_fd);
	fd = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	while (listed < MAX_LISTED_BYTES &&
	       (n = syscall(SYS_getdents64, fd, names, sizeof(names))) > 0)
		listed += (size_t)n;
}

/* Whether PATH is to be looked up here: asked of the mount table first. */
static bool is_wanted(const struct look_up *l, const char *path)
{
	const char *root = strcmp(l->root_path, "/") == 0 ? "" : l->root_path;
	char full[2 * LIMIT_PATH_BYTES + LIMIT_FILE_NAME_BYTES + 3];

	if (*root && !path[1])
		path = "";
	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full) ||
	    !mounts_is_local(l->mounts, full))
		return false;
	return !l->placed || !fstype_find(mounts_fstype(l->mounts, full))->ext4_metadata;
}

static void look_up_name(struct look_up *l, const char *dir, const char *name)
{
	char path[LIMIT_PATH_BYTES + LIMIT_FILE_NAME_BYTES + 2];
	bool listed = strcmp(name, SHADOW_LISTED) == 0;
	_cleanup_close_ int fd = -1;
	struct stat st;

	snprintf(path, sizeof(path), listed ? "%s" : "%s/%s", dir[1] || listed ? dir : "",
		 name);
	if (!is_wanted(l, path))
		return;
	fd = io_open_path(l->rootfd, path, &st);
	if (fd >= 0 && listed && S_ISDIR(st.st_mode))
		list_directory(fd);
	l->n_done++;
}

/* ---- threads ---- */

static const char *take_next(struct look_up *l, const char **ret_dir)
{
	const char *name;

	pthread_mutex_lock(&l->lock);
	name = l->stop ? NULL : shadow_lookups_next(&l->next);
	*ret_dir = l->next.dir;
	pthread_mutex_unlock(&l->lock);
	return name;
}

static void *work(void *arg)
{
	struct look_up *l = arg;
	const char *name, *dir;

	while ((name = take_next(l, &dir)))
		look_up_name(l, dir, name);
	pthread_mutex_lock(&l->lock);
	l->n_working--;
	pthread_cond_broadcast(&l->ended);
	pthread_mutex_unlock(&l->lock);
	look_up_unref(l);
	return NULL;
}

static void start_threads(struct look_up *l)
{
	pthread_attr_t attr;
	sigset_t all, old;

	if (pthread_attr_init(&attr) != 0)
		return;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < MIN(l->n_threads, l->next.n_left); i++) {
		pthread_t thread;

		if (pthread_create(&thread, &attr, work, l) != 0)
			break;
		l->n_users++;
		l->n_working++;
	}
	pthread_mutex_unlock(&l->lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

/* NULL: nothing to look up, or no memory. */
static struct look_up *look_up_start(const struct shadow *s, const struct mounts *mounts,
				     const struct prefetch_options *o, bool placed)
{
	struct look_up *l = s->n_lookups ? calloc(1, sizeof(*l)) : NULL;

	if (!l)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->ended, NULL);
	l->n_users = 1;
	l->mounts = mounts;
	l->placed = placed;
	/* In an image more than one throw out what the others have unpacked: prefetch-plan.c. */
	l->n_threads = prefetch_main_storage(s) == STORAGE_IMAGE ? 1 : N_THREADS;
	l->next = shadow_lookups(s);
	l->root_path = strdup(o->root_path);
	l->rootfd = fcntl(o->rootfd, F_DUPFD_CLOEXEC, 3);
	if (l->root_path && l->rootfd >= 0)
		start_threads(l);
	return l;
}

static void look_up_stop(struct look_up *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_mutex_unlock(&l->lock);
}

/* Until all is looked up or, true, the moment DEADLINE_US has come. */
static bool look_up_finish(struct look_up *l, uint64_t deadline_us, uint32_t *ret_n)
{
	const struct timespec deadline = clock_timespec(deadline_us);
	bool hit;

	pthread_mutex_lock(&l->lock);
	while (l->n_working > 0) {
		if (deadline_us == CLOCK_NEVER)
			pthread_cond_wait(&l->ended, &l->lock);
		else if (pthread_cond_clockwait(&l->ended, &l->lock, CLOCK_MONOTONIC,
						&deadline) == ETIMEDOUT)
			break;
	}
	hit = l->n_working > 0;
	l->stop = true;
	*ret_n = l->n_done;
	pthread_mutex_unlock(&l->lock);
	look_up_unref(l);
	return hit;
}

/* ---- all of it ---- */

static void leave_until(struct prefetch_options *o, uint64_t deadline_us)
{
	if (o->deadline_ms)
		o->deadline_ms = MAX(clock_left_ms(deadline_us), 1u);
}

/* Whether all places are being read; with WAIT they were. */
static bool ask_places(const struct shadow *places, const struct mounts *mounts,
		       const struct prefetch_options *options, bool wait,
		       uint64_t *ret_pages, bool *ret_hit)
{
	struct prefetch_options o = *options;
	struct prefetch_report report;
	bool all;

	o.wait = wait;
	if (places->n_extents == 0 || prefetch_run(places, mounts, &o, &report) < 0)
		return false;
	all = report.n_objects_used == report.n_objects;
	*ret_pages = report.n_pages_asked;
	*ret_hit |= report.deadline_hit;
	free(report.skips);
	return all;
}

/*
 * Whether pages are asked for when the metadata has arrived, not only behind it. On a disk that seeks
 * it is one sweep, and the launch waits for it first; pages that are asked for meanwhile come between.
 * Launches started together, in ms: git 427, waiting 403; perl 470, 442; vim 534, 533. On a
 * network volume it is the other way round: git 57, waiting 59; perl 69, 73; vim 75, 81.
 */
static bool seeks(const struct shadow *places)
{
	return places->n_extents > 0 && prefetch_main_storage(places) == STORAGE_ROTATIONAL;
}

int prefetch_launch(const struct shadow_buffer *b, const struct mounts *mounts,
		    const struct prefetch_options *options,
		    struct prefetch_launch_report *ret)
{
	uint64_t start_us = clock_us(), deadline_us = CLOCK_NEVER;
	struct prefetch_launch_report report = { 0 };
	struct prefetch_options o = *options;
	bool placed, stuck = false;
	struct look_up *l;
	int r;

	if (o.deadline_ms)
		deadline_us = start_us + o.deadline_ms * UINT64_C(1000);
	placed = ask_places(&b->places, mounts, &o, seeks(&b->places),
			    &report.n_place_pages, &stuck);
	l = look_up_start(&b->shadow, mounts, &o, placed);
	leave_until(&o, deadline_us);
	r = prefetch_run(&b->shadow, mounts, &o, &report.data);
	if (l && r == 0 && report.data.stopped)
		look_up_stop(l);
	if (l)
		stuck |= look_up_finish(l, deadline_us, &report.n_lookups);
	/* Asked for once more, they are waited for. */
	leave_until(&o, deadline_us);
	if (o.wait && !stuck)
		ask_places(&b->places, mounts, &o, true, &report.n_place_pages, &stuck);
	if (r < 0 && !stuck)
		return r;
	report.data.deadline_hit |= stuck;
	report.data.elapsed_us = clock_us() - start_us;
	*ret = report;
	return 0;
}
