/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Workers share one job: some open files ahead of need, the others take extents in order
 * and open what is not open yet. Each object has a small state machine, at most one thread
 * opens it. The job is counted, so that a worker that comes back from a dead disk long
 * after the caller has left finds its memory still there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "blockdev.h"
#include "bounds.h"
#include "object-open.h"
#include "prefetch-join.h"
#include "prefetch-job.h"
#include "prefetch-plan.h"

/* Two paths and little else; address space only, until touched. ASan wants more. */
#define STACK_BYTES    (256u << 10)
/* DESIGN rule 3: requests of this size keep the queue filled and the order kept. */
#define CALL_BYTES     (128u << 10)
#define N_DEVICES      4
/*
 * What a gentle reader has in flight: one large request or a few small ones, about 2 ms of a
 * modest disk. More keeps others waiting, less leaves the disk idle between the requests.
 */
#define BATCH_PAGES    (CALL_BYTES / PAGE_BYTES)
#define BATCH_CALLS    4
/* As many of these at once while all is in memory: waiting costs as much as asking then. */
#define CACHED_BATCHES 4
/* Looked at the budgets at least that often when everything is in memory: 8 MiB. */
#define GO_ON_PAGES    2048
/* Whatever takes longer was not in memory. */
#define DISK_US	       200

enum phase { PHASE_NEW, PHASE_OPENING, PHASE_OPEN, PHASE_SKIPPED };

struct object {
	_Atomic uint8_t phase; /* enum phase */
	_Atomic uint8_t skip;  /* enum object_skip */
	int fd;		       /* with PHASE_OPEN */
	uint32_t call_bytes;
	uint64_t size_bytes;	 /* of the file as it is now */
	_Atomic uint32_t n_left; /* uses of fd to come: closed after the last */
};

struct device {
	dev_t dev;
	_Atomic uint32_t call_bytes; /* 0: free slot; set last, never changed again */
};

struct job {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* an object's phase, n_working, n_asking, stop */
	unsigned n_users;	/* the caller and the workers; the last one frees */
	unsigned n_working, n_asking;
	_Atomic unsigned n_waiting; /* for an object that another one opens */
	_Atomic bool stop;
	struct shadow s;
	struct object_place place; /* owns rootfd, root_path is the one below */
	bool wait, gentle;
	bool (*go_on)(void *userdata, uint64_t pages_asked);
	void *userdata;
	_Atomic bool stopped; /* by go_on */
	int sysfd;
	struct object *objects;
	uint32_t *order; /* objects with extents, by their first extent */
	uint32_t n_order;
	_Atomic uint32_t *asked; /* pages asked for, by extent */
	struct join *joins;	 /* NULL: each extent is read as it is */
	_Atomic bool *taken;	 /* of leaders: asked for with another one of the piece */
	_Atomic uint32_t next_open, next_ask, next_wait, n_extents_asked;
	_Atomic uint64_t pages_left, pages_asked;
	_Atomic uint32_t n_open; /* objects */
	uint32_t max_ahead;	 /* nobody opens ahead of need beyond that many */
	unsigned n_numbered;
	struct prefetch_plan plan;
	struct device devices[N_DEVICES]; /* filled under the lock */
	char root_path[PATH_MAX];
};

static void job_free(struct job *job)
{
	for (uint32_t i = 0; job->objects && i < job->s.n_objects; i++)
		if (job->objects[i].fd >= 0)
			close(job->objects[i].fd);
	free(job->objects);
	free(job->order);
	free(job->asked);
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

static uint32_t find_device(const struct job *job, dev_t dev)
{
	for (int i = 0; i < N_DEVICES; i++) {
		uint32_t bytes = job->devices[i].call_bytes;

		if (bytes && job->devices[i].dev == dev)
			return bytes;
	}
	return 0;
}

static void add_device(struct job *job, dev_t dev, uint32_t bytes)
{
	pthread_mutex_lock(&job->lock);
	for (int i = 0; i < N_DEVICES; i++)
		if (job->devices[i].call_bytes == 0) {
			job->devices[i].dev = dev;
			job->devices[i].call_bytes = bytes;
			break;
		}
	pthread_mutex_unlock(&job->lock);
}

/* Bytes a call to a file on DEV may ask for without being cut short, asked once a device.
 */
static uint32_t device_call_bytes(struct job *job, dev_t dev)
{
	uint32_t bytes = find_device(job, dev);
	size_t limit;

	if (bytes)
		return bytes;
	limit = blockdev_readahead_bytes(job->sysfd, dev);
	bytes = limit ? (uint32_t)MIN(limit, CALL_BYTES) & ~(PAGE_BYTES - 1) : CALL_BYTES;
	bytes = MAX(bytes, PAGE_BYTES);
	add_device(job, dev, bytes);
	return bytes;
}

static struct timespec now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t;
}

static int64_t elapsed_us(const struct timespec *since)
{
	struct timespec t = now();

	return (int64_t)(t.tv_sec - since->tv_sec) * 1000000 +
	       (t.tv_nsec - since->tv_nsec) / 1000;
}

static void ask_go_on(struct job *job)
{
	if (!job->go_on || job->go_on(job->userdata, job->pages_asked))
		return;
	job->stopped = true;
	pthread_mutex_lock(&job->lock);
	job->stop = true;
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
}

/*
 * Open an object and make sure that it is the file the shadow is about. 0 or negative errno
 * for want of descriptors; what became of it in *RET.
 */
static int open_object(struct job *job, uint32_t index, enum object_skip *ret)
{
	const struct shadow_object *o = &job->s.objects[index];
	const char *path = shadow_string(&job->s, o->path);
	struct object *object = &job->objects[index];
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (job->s.kind == SHADOW_KIND_PLACES)
		r = object_open_device(&job->place, o, path, &fd, &st, ret);
	else
		r = object_open(&job->place, path, &fd, &st, ret);
	if (r < 0 || *ret != OBJECT_USED)
		return r;
	/* pread() then brings no neighbours along (mm/readahead.c, page_cache_sync_ra). */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	if (job->s.kind != SHADOW_KIND_PLACES)
		*ret = object_check(o, &st, fd);
	if (*ret != OBJECT_USED)
		return 0;
	object->size_bytes = (uint64_t)st.st_size;
	object->call_bytes = device_call_bytes(job, st.st_dev);
	object->fd = TAKE_FD(fd);
	atomic_fetch_add(&job->n_open, 1);
	return 0;
}

/* Whoever waits says so first and looks at the phase then: one of the two is seen. */
static void set_phase(struct job *job, struct object *object, enum phase phase)
{
	object->phase = phase;
	if (job->n_waiting == 0)
		return;
	pthread_mutex_lock(&job->lock);
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
}

static void wait_opened(struct job *job, struct object *object)
{
	pthread_mutex_lock(&job->lock);
	job->n_waiting++;
	while (object->phase == PHASE_OPENING && !job->stop)
		pthread_cond_wait(&job->changed, &job->lock);
	job->n_waiting--;
	pthread_mutex_unlock(&job->lock);
}

/* Whether this thread is to open the object; else it is open, skipped, or being opened. */
static bool claim_object(struct object *object)
{
	uint8_t expected = PHASE_NEW;

	return atomic_compare_exchange_strong(&object->phase, &expected, PHASE_OPENING);
}

/* GIVE_UP: an object for which descriptors are lacking is skipped, else left for later. */
static int open_claimed(struct job *job, uint32_t index, bool give_up)
{
	struct object *object = &job->objects[index];
	struct timespec start = now();
	enum object_skip skip;
	int r;

	r = open_object(job, index, &skip);
	if (job->gentle && elapsed_us(&start) > DISK_US)
		ask_go_on(job);
	if (r < 0 && !give_up) {
		set_phase(job, object, PHASE_NEW);
		return r;
	}
	/* USED only once a page was asked for. */
	if (skip != OBJECT_USED)
		atomic_store(&object->skip, skip);
	set_phase(job, object, skip == OBJECT_USED ? PHASE_OPEN : PHASE_SKIPPED);
	return 0;
}

/* Open the next object that nobody has opened; false: all are, or descriptors have ended.
 */
static bool open_next(struct job *job)
{
	while (!job->stop && job->n_open < job->max_ahead) {
		uint32_t i = atomic_fetch_add(&job->next_open, 1);

		if (i >= job->n_order)
			break;
		if (claim_object(&job->objects[job->order[i]]))
			return open_claimed(job, job->order[i], false) == 0;
	}
	return false;
}

/*
 * Have the object open; false: it is skipped, or it is time to stop. While another thread
 * opens it, there may be others to be opened: better than to sleep.
 */
static bool need_object(struct job *job, uint32_t index)
{
	struct object *object = &job->objects[index];

	while (!job->stop) {
		uint8_t phase = object->phase;

		if (phase == PHASE_OPEN || phase == PHASE_SKIPPED)
			return phase == PHASE_OPEN;
		if (claim_object(object))
			open_claimed(job, index, true);
		else if (!open_next(job))
			wait_opened(job, object);
	}
	return false;
}

static void release_object(struct job *job, struct object *object)
{
	if (atomic_fetch_sub(&object->n_left, 1) == 1 && object->fd >= 0) {
		close(object->fd);
		object->fd = -1;
		atomic_fetch_sub(&job->n_open, 1);
	}
}

/* Take up to WANT pages from the budget. */
static uint32_t take_pages(struct job *job, uint32_t want)
{
	uint64_t left = atomic_load(&job->pages_left), take;

	do
		take = MIN(left, (uint64_t)want);
	while (!atomic_compare_exchange_weak(&job->pages_left, &left, left - take));
	return (uint32_t)take;
}

/* What one thread has asked for and not waited for, and not asked about. */
struct batch {
	uint32_t n_pages, n_calls;
	uint32_t n_unchecked;
	bool cached; /* nothing had to be waited for the last time */
	bool last;   /* nothing may follow: when the run ends, all has arrived */
};

/*
 * Requests come back in order, or nearly: wait for the last page only. Reading a byte sleeps
 * until it is there.
 */
static void end_batch(struct job *job, struct batch *b, int fd, off_t last_off)
{
	unsigned scale = b->cached ? CACHED_BATCHES : 1;
	struct timespec start;
	char byte;

	if (!b->last && b->n_pages < BATCH_PAGES * scale &&
	    b->n_calls < BATCH_CALLS * scale)
		return;
	start = now();
	/* An error is for whoever needs the page. */
	b->cached = pread(fd, &byte, 1, last_off) == 1 && elapsed_us(&start) < DISK_US;
	b->n_unchecked += b->n_pages;
	b->n_pages = b->n_calls = 0;
	if (!b->cached || b->n_unchecked >= GO_ON_PAGES) {
		b->n_unchecked = 0;
		ask_go_on(job);
	}
}

/* Ask for N_PAGES from FIRST on in calls of bounded size; returns how many were asked. */
static uint32_t ask_pages(struct job *job, struct batch *batch, struct object *object,
			  uint32_t first, uint32_t n_pages)
{
	uint32_t step = object->call_bytes / PAGE_BYTES, done = 0;

	while (done < n_pages && !job->stop) {
		uint32_t n = MIN(step, n_pages - done);
		off_t off = ((off_t)first + done) * PAGE_BYTES;

		if (posix_fadvise(object->fd, off, (off_t)n * PAGE_BYTES,
				  POSIX_FADV_WILLNEED) != 0) {
			if (done == 0)
				atomic_store(&object->skip, OBJECT_FAILED);
			break;
		}
		done += n;
		batch->n_pages += n;
		batch->n_calls++;
		if (job->gentle)
			end_batch(job, batch, object->fd,
				  off + (off_t)(n - 1) * PAGE_BYTES);
	}
	return done;
}

/* The extent that stands for the piece of INDEX; SHADOW_NONE: it was asked for. */
static uint32_t take_piece(struct job *job, uint32_t index, uint32_t *ret_pages)
{
	*ret_pages = le32_get(job->s.extents[index].n_pages);
	if (!job->joins)
		return index;
	index = job->joins[index].leader;
	*ret_pages = job->joins[index].n_pages;
	return atomic_exchange(&job->taken[index], true) ? SHADOW_NONE : index;
}

static void ask_extent(struct job *job, struct batch *batch, uint32_t index)
{
	const struct shadow_extent *e = &job->s.extents[index];
	struct object *object = &job->objects[le32_get(e->object)];
	uint32_t first, n_pages;
	uint64_t file_pages;

	index = take_piece(job, index, &n_pages);
	if (index == SHADOW_NONE)
		return;
	first = le32_get(job->s.extents[index].first_pgno);

	if (!need_object(job, le32_get(e->object)))
		return;
	/* The shadow was checked for its own sake, not against the file. */
	file_pages = DIV_ROUND_UP(object->size_bytes, PAGE_BYTES);
	if (first >= file_pages)
		return;
	n_pages = take_pages(job, (uint32_t)MIN(n_pages, file_pages - first));
	n_pages = ask_pages(job, batch, object, first, n_pages);
	if (n_pages == 0)
		return;
	atomic_store(&object->skip, OBJECT_USED);
	atomic_store(&job->asked[index], n_pages);
	atomic_fetch_add(&job->pages_asked, n_pages);
	atomic_fetch_add(&job->n_extents_asked, 1);
}

static void ask_all(struct job *job)
{
	struct batch batch = { 0 };

	while (!job->stop && atomic_load(&job->pages_left) > 0) {
		uint32_t i = atomic_fetch_add(&job->next_ask, 1);

		if (i >= job->s.n_extents)
			return;
		batch.last = i + job->plan.n_askers >= job->s.n_extents;
		ask_extent(job, &batch, i);
		release_object(job, &job->objects[le32_get(job->s.extents[i].object)]);
	}
}

/* Reading a byte of a page sleeps until the page is there; nothing is copied for nothing.
 */
static void wait_extent(struct job *job, uint32_t index)
{
	const struct shadow_extent *e = &job->s.extents[index];
	struct object *object = &job->objects[le32_get(e->object)];
	uint32_t n_pages = atomic_load(&job->asked[index]);
	char byte;

	for (uint32_t i = 0; i < n_pages && !job->stop; i++) {
		off_t off = ((off_t)le32_get(e->first_pgno) + i) * PAGE_BYTES;

		if (pread(object->fd, &byte, 1, off) < 0 && errno == EIO) {
			atomic_store(&object->skip, OBJECT_FAILED);
			return;
		}
	}
}

/* When all was asked for: waiting for one page must not hold up asking for others. */
static void wait_all(struct job *job)
{
	pthread_mutex_lock(&job->lock);
	job->n_asking--;
	pthread_cond_broadcast(&job->changed);
	while (job->n_asking > 0 && !job->stop)
		pthread_cond_wait(&job->changed, &job->lock);
	pthread_mutex_unlock(&job->lock);
	while (!job->stop) {
		uint32_t i = atomic_fetch_add(&job->next_wait, 1);

		if (i >= job->s.n_extents)
			return;
		wait_extent(job, i);
		release_object(job, &job->objects[le32_get(job->s.extents[i].object)]);
	}
}

static void *worker(void *arg)
{
	struct job *job = arg;
	bool opener;

	pthread_mutex_lock(&job->lock);
	opener = job->n_numbered++ < job->plan.n_openers;
	pthread_mutex_unlock(&job->lock);
	ask_go_on(job);
	while (opener && open_next(job))
		;
	if (!opener || job->plan.openers_ask_too)
		ask_all(job);
	if (job->wait)
		wait_all(job);
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

	if (!job)
		return -ENOMEM;
	pthread_mutex_init(&job->lock, NULL);
	pthread_cond_init(&job->changed, NULL);
	job->n_users = 1;
	job->place.rootfd = -1;
	job->s = *s;
	job->gentle = o->gentle;
	job->go_on = o->go_on;
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
	if (s->kind == SHADOW_KIND_SHADOW && join_extents(s, &job->joins) < 0)
		return -ENOMEM;
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
	};

	job->max_ahead = prefetch_max_ahead(
		&work, raise_descriptors(prefetch_wanted_descriptors(&work)));
	job->plan = prefetch_plan_threads(&work, n_threads);
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

static struct timespec add_ms(struct timespec t, unsigned ms)
{
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* Until all workers are done or, true, the deadline has come. */
static bool supervise(struct job *job, const struct timespec *deadline)
{
	bool hit;

	pthread_mutex_lock(&job->lock);
	while (job->n_working > 0) {
		if (!deadline)
			pthread_cond_wait(&job->changed, &job->lock);
		else if (pthread_cond_clockwait(&job->changed, &job->lock, CLOCK_MONOTONIC,
						deadline) == ETIMEDOUT)
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
	struct timespec start = now(), deadline = add_ms(start, options->deadline_ms);
	_cleanup_free_ uint8_t *skips = calloc(s->n_objects + 1u, sizeof(*skips));
	_cleanup_(job_unrefp) struct job *job = NULL;
	struct prefetch_report report = { .skips = skips };
	unsigned n_threads;
	int r;

	if (!skips)
		return -ENOMEM;
	r = job_new(s, mounts, options, &job);
	if (r < 0)
		return r;
	make_plan(job, options->n_threads);
	n_threads = job->plan.n_openers + job->plan.n_askers;
	if (n_threads > 0 && start_workers(job, n_threads) == 0)
		return -EAGAIN;
	report.deadline_hit = supervise(job, options->deadline_ms ? &deadline : NULL);
	fill_report(job, &report);
	report.elapsed_us = (uint64_t)elapsed_us(&start);
	report.stopped = job->stopped;
	TAKE_PTR(skips);
	*ret = report;
	return 0;
}
