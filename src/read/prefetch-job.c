/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of a job. Workers share it: some open files ahead of need, the others take extents
 * in order and open what is not open yet. It is counted, so that a worker that comes back
 * from a dead disk long after the caller has left finds its memory still there. Who writes
 * what stands in prefetch-private.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "blockdev.h"
#include "clock.h"
#include "prefetch-private.h"

/* Two paths and little else; address space only, until touched. ASan wants more. */
#define STACK_BYTES (256u << 10)

static void job_free(struct job *job)
{
	for (uint32_t i = 0; job->objects && i < job->s.n_objects; i++)
		if (job->objects[i].fd >= 0)
			close(job->objects[i].fd);
	free(job->objects);
	free(job->order);
	free(job->asked);
	free(job->by_inode);
	free(job->joins);
	free(job->taken);
	if (job->place.rootfd >= 0)
		close(job->place.rootfd);
	if (job->sysfd >= 0)
		close(job->sysfd);
	pthread_mutex_destroy(&job->lock);
	pthread_cond_destroy(&job->changed);
	free(job);
}

static void job_unref(struct job *job)
{
	bool last;

	pthread_mutex_lock(&job->lock);
	last = --job->n_users == 0;
	pthread_mutex_unlock(&job->lock);
	if (last)
		job_free(job);
}
DEFINE_CLEANUP(struct job *, job_unref)

void job_ask_go_on(struct job *job)
{
	if (!job->go_on || job->go_on(job->userdata, job->pages_asked))
		return;
	job->stopped = true;
	pthread_mutex_lock(&job->lock);
	job->stop = true;
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
}

static void *worker(void *arg)
{
	struct job *job = arg;
	bool opener;

	pthread_mutex_lock(&job->lock);
	opener = job->n_numbered++ < job->plan.n_openers;
	pthread_mutex_unlock(&job->lock);
	job_ask_go_on(job);
	while (opener && job_open_next(job))
		;
	if (opener)
		job_note_all_open(job);
	if (!opener || job->plan.openers_ask_too)
		job_ask_all(job);
	if (job->wait)
		job_wait_all(job);
	pthread_mutex_lock(&job->lock);
	job->n_working--;
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
	job_unref(job);
	return NULL;
}

/* Objects by first extent, and how often each descriptor is going to be used. */
static void count_uses(struct job *job)
{
	for (uint32_t i = 0; i < job->s.n_extents; i++) {
		uint32_t index = le32_get(job->s.extents[i].object);
		struct object *object = &job->objects[index];

		if (object->n_left == 0) {
			job->order[job->n_order++] = index;
			object->skip = OBJECT_NOT_REACHED;
		}
		object->n_left += job->wait ? 2 : 1;
	}
}

static int job_new(const struct shadow *s, const struct mounts *mounts,
		   const struct prefetch_options *o, struct job **ret)
{
	_cleanup_(job_unrefp) struct job *job = calloc(1, sizeof(*job));
	int r = 0;

	if (!job)
		return -ENOMEM;
	pthread_mutex_init(&job->lock, NULL);
	pthread_cond_init(&job->changed, NULL);
	job->n_users = 1;
	job->place.rootfd = -1;
	job->s = *s;
	job->gentle = o->gentle;
	job->eager = o->eager;
	job->go_on = o->go_on;
	job->on_open = o->on_open;
	job->userdata = o->userdata;
	job->wait = o->wait && !o->gentle;
	job->pages_left = o->max_pages ? o->max_pages : UINT64_MAX;
	job->sysfd = blockdev_open_sys();
	if (strlen(o->root_path) >= sizeof(job->root_path))
		return -ENAMETOOLONG;
	strcpy(job->root_path, o->root_path);
	job->place.root_path = job->root_path;
	job->place.mounts = mounts;
	job->place.rootfd = fcntl(o->rootfd, F_DUPFD_CLOEXEC, 3);
	if (job->place.rootfd < 0)
		return -errno;
	job->objects = calloc(s->n_objects + 1u, sizeof(*job->objects));
	job->order = calloc(s->n_objects + 1u, sizeof(*job->order));
	job->asked = calloc(s->n_extents + 1u, sizeof(*job->asked));
	if (!job->objects || !job->order || !job->asked)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_objects; i++) {
		job->objects[i].fd = -1;
		job->objects[i].skip = shadow_object_is_usable(&s->objects[i])
					       ? OBJECT_NO_PAGES
					       : OBJECT_NOT_VALID;
	}
	count_uses(job);
	job->is_image = s->kind == SHADOW_KIND_SHADOW && !job->gentle &&
			prefetch_main_storage(s) == STORAGE_IMAGE;
	if (job_lies_in_blocks(job))
		r = job_sort_by_inode(job);
	else if (s->kind == SHADOW_KIND_SHADOW)
		r = join_extents(s, &job->joins);
	if (r < 0)
		return r;
	if (job->joins) {
		job->taken = calloc(s->n_extents, sizeof(*job->taken));
		if (!job->taken)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(job);
	return 0;
}

/* Every object may be open at once, if the process may have so many descriptors. */
static uint64_t raise_descriptors(uint64_t wanted)
{
	struct rlimit limit = { .rlim_cur = 1024, .rlim_max = 1024 };

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted) {
		struct rlimit raised = { limit.rlim_max, limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	return limit.rlim_cur;
}

static void make_plan(struct job *job, unsigned n_threads)
{
	const struct prefetch_work work = {
		.n_objects = job->n_order,
		.n_extents = job->s.n_extents,
		.storage = prefetch_main_storage(&job->s),
		.gentle = job->gentle,
		.eager = job->eager,
		.whole_blocks = job->by_inode != NULL,
	};

	const uint64_t wanted = prefetch_wanted_descriptors(&work);
	const uint64_t limit = raise_descriptors(wanted);

	job->max_ahead = prefetch_max_ahead(&work, limit);
	job->plan = prefetch_plan_threads(&work, n_threads);
	if (job->plan.n_openers == 0)
		job_note_all_open(job);
	/* The files of a batch are all open at once. */
	if (limit < wanted)
		job->plan.batch_calls = 1;
}

/*
 * Detached, with all signals blocked: they are the caller's. Returns how many run. The
 * first ones to be numbered are openers, so with fewer threads than planned the askers
 * would be missing: openers then ask, too.
 */
static unsigned start_workers(struct job *job, unsigned n)
{
	pthread_attr_t attr;
	sigset_t all, old;
	unsigned n_running;

	if (pthread_attr_init(&attr) != 0)
		return 0;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_mutex_lock(&job->lock);
	for (n_running = 0; n_running < n; n_running++) {
		pthread_t thread;

		if (pthread_create(&thread, &attr, worker, job) != 0)
			break;
		job->n_users++;
		job->n_working++;
		job->n_asking++;
	}
	if (n_running < n)
		job->plan.openers_ask_too = true;
	pthread_mutex_unlock(&job->lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return n_running;
}

/* Until all workers are done or, true, the moment DEADLINE_US has come. */
static bool supervise(struct job *job, uint64_t deadline_us)
{
	const struct timespec deadline = clock_timespec(deadline_us);
	bool hit;

	pthread_mutex_lock(&job->lock);
	while (job->n_working > 0) {
		if (deadline_us == CLOCK_NEVER)
			pthread_cond_wait(&job->changed, &job->lock);
		else if (pthread_cond_clockwait(&job->changed, &job->lock, CLOCK_MONOTONIC,
						&deadline) == ETIMEDOUT)
			break;
	}
	hit = job->n_working > 0;
	job->stop = true;
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
	return hit;
}

static void fill_report(const struct job *job, struct prefetch_report *r)
{
	r->n_objects = job->s.n_objects;
	for (uint32_t i = 0; i < job->s.n_objects; i++) {
		r->skips[i] = job->objects[i].skip;
		r->n_objects_used += r->skips[i] == OBJECT_USED;
	}
	r->n_extents_asked = job->n_extents_asked;
	r->n_pages_asked = job->pages_asked;
}

int prefetch_run(const struct shadow *s, const struct mounts *mounts,
		 const struct prefetch_options *options, struct prefetch_report *ret)
{
	uint64_t start_us = clock_us(), deadline_us = CLOCK_NEVER;
	_cleanup_free_ uint8_t *skips = calloc(s->n_objects + 1u, sizeof(*skips));
	_cleanup_(job_unrefp) struct job *job = NULL;
	struct prefetch_report report = { .skips = skips };
	unsigned n_threads;
	int r;

	if (!skips)
		return -ENOMEM;
	if (options->deadline_ms)
		deadline_us = start_us + options->deadline_ms * UINT64_C(1000);
	r = job_new(s, mounts, options, &job);
	if (r < 0)
		return r;
	make_plan(job, options->n_threads);
	n_threads = job->plan.n_openers + job->plan.n_askers;
	if (n_threads > 0 && start_workers(job, n_threads) == 0)
		return -EAGAIN;
	report.deadline_hit = supervise(job, deadline_us);
	fill_report(job, &report);
	report.elapsed_us = clock_us() - start_us;
	report.stopped = job->stopped;
	TAKE_PTR(skips);
	*ret = report;
	return 0;
}
