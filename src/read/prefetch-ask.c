/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The extents of a job: asked for in their order, a few at a time by the thread that takes them,
 * and waited for. Gentle jobs wait as they go and ask whether to go on; the others ask for
 * everything first.
 */
#include <errno.h>
#include <fcntl.h>

#include "bounds.h"
#include "clock.h"
#include "plugged.h"
#include "prefetch-private.h"

/* As many of these at once while all is in memory: waiting costs as much as asking then. */
#define CACHED_BATCHES 4u
/* The budgets are looked at that often when everything is in memory: 8 MiB. */
#define GO_ON_PAGES    2048

/* Take up to WANT pages from the budget. */
static uint32_t take_pages(struct job *job, uint32_t want)
{
	uint64_t left = atomic_load(&job->pages_left), take;

	do
		take = MIN(left, (uint64_t)want);
	while (!atomic_compare_exchange_weak(&job->pages_left, &left, left - take));
	return (uint32_t)take;
}

/* What one thread has taken: asked for together, then waited for. */
struct batch {
	struct plugged asking;
	struct object *objects[PLUGGED_RANGES]; /* of these ranges */
	uint32_t n_pages, n_calls;		/* asked for and not waited for */
	uint32_t n_unchecked;			/* and not asked about */
	bool cached; /* nothing had to be waited for the last time */
	bool last;   /* nothing may follow: when the run ends, all has arrived */
};

/*
 * Requests come back in order, or nearly: wait for the last page only. Reading a byte sleeps
 * until it is there.
 */
static void end_batch(struct job *job, struct batch *b, int fd, off_t last_off)
{
	unsigned depth = job->plan.depth;
	unsigned scale = b->cached ? MAX(depth, CACHED_BATCHES) : depth;
	uint64_t start_us;
	char byte;

	if (!b->last && b->n_pages < job->plan.batch_pages * scale &&
	    b->n_calls < job->plan.batch_calls * scale)
		return;
	start_us = clock_us();
	/* An error is for whoever needs the page. */
	b->cached = pread(fd, &byte, 1, last_off) == 1 &&
		    clock_us() - start_us < PREFETCH_DISK_US;
	b->n_unchecked += b->n_pages;
	b->n_pages = b->n_calls = 0;
	if (!b->cached || b->n_unchecked >= GO_ON_PAGES) {
		b->n_unchecked = 0;
		job_ask_go_on(job);
	}
}

/* Ask for what has been taken so far. */
static void ask_batch(struct job *job, struct batch *b)
{
	uint32_t n = b->asking.n, n_pages = b->asking.n_pages;
	struct plugged_range last;
	enum object_skip became;

	if (n == 0)
		return;
	last = b->asking.ranges[n - 1];
	became = plugged_ask(&b->asking) < 0 ? OBJECT_FAILED : OBJECT_USED;
	for (uint32_t i = 0; i < n; i++)
		atomic_store(&b->objects[i]->skip, became);
	atomic_fetch_add(&job->pages_asked, n_pages);
	b->n_pages += n_pages;
	b->n_calls += n;
	if (job->gentle)
		end_batch(job, b, last.fd,
			  last.off + (off_t)(last.n_pages - 1) * PAGE_BYTES);
}

static void add_call(struct job *job, struct batch *b, struct object *object,
		     uint32_t first, uint32_t n_pages)
{
	b->objects[b->asking.n] = object;
	plugged_add(&b->asking, object->fd, (off_t)first * PAGE_BYTES, n_pages);
	if (b->asking.n == job->plan.batch_calls ||
	    b->asking.n_pages >= job->plan.batch_pages)
		ask_batch(job, b);
}

/* Take N_PAGES from FIRST on in ranges of bounded size; returns how many were taken. */
static uint32_t add_pages(struct job *job, struct batch *b, struct object *object,
			  uint32_t first, uint32_t n_pages)
{
	uint32_t longest = object->call_bytes / PAGE_BYTES, done = 0;
	uint32_t per = (uint32_t)sysconf(_SC_PAGESIZE) / PAGE_BYTES;

	while (done < n_pages && !job->stop) {
		uint32_t n =
			prefetch_call_pages(first + done, n_pages - done, longest, per);

		add_call(job, b, object, first + done, n);
		done += n;
	}
	return done;
}

/* The same of an image: each of its windows from the end to the start. */
static uint32_t add_pages_downwards(struct job *job, struct batch *b, struct object *object,
				    uint32_t first, uint32_t n_pages)
{
	/* A boot's pack in shorter ones. */
	uint32_t longest = job->joins ? object->call_bytes : PREFETCH_CALL_BYTES;
	uint32_t step = MIN(object->call_bytes, longest) / PAGE_BYTES;
	uint32_t end = first + n_pages, done = 0;

	while (first < end) {
		uint32_t top =
			MIN(end, (first / JOIN_WINDOW_PAGES + 1) * JOIN_WINDOW_PAGES);

		for (uint32_t at = top; at > first && !job->stop;) {
			uint32_t n = MIN(at - first, step);

			at -= n;
			add_call(job, b, object, at, n);
			done += n;
		}
		first = top;
	}
	return done;
}

/* The extent that stands for the piece of INDEX; SHADOW_NONE: it was asked for. */
static uint32_t take_piece(struct job *job, uint32_t index)
{
	if (!job->joins)
		return index;
	index = job->joins[index].leader;
	return atomic_exchange(&job->taken[index], true) ? SHADOW_NONE : index;
}

static void add_range(struct job *job, struct batch *batch, uint32_t index,
		      uint32_t n_pages)
{
	const struct shadow_extent *e = &job->s.extents[index];
	struct object *object = &job->objects[le32_get(e->object)];
	uint32_t first = le32_get(e->first_pgno);
	bool is_downwards = job->s.objects[le32_get(e->object)].storage == STORAGE_IMAGE &&
			    !job->by_inode;
	uint64_t file_pages;

	if (!job_need_object(job, le32_get(e->object)))
		return;
	/* The shadow was checked for its own sake, not against the file. */
	file_pages = DIV_ROUND_UP(object->size_bytes, PAGE_BYTES);
	if (first >= file_pages)
		return;
	n_pages = take_pages(job, (uint32_t)MIN(n_pages, file_pages - first));
	if (n_pages == 0)
		return;
	n_pages = (is_downwards ? add_pages_downwards : add_pages)(job, batch, object,
								   first, n_pages);
	atomic_store(&job->asked[index], n_pages);
	atomic_fetch_add(&job->n_extents_asked, 1);
}

static void add_extent(struct job *job, struct batch *batch, uint32_t index)
{
	index = take_piece(job, index);
	while (index != SHADOW_NONE && !job->stop) {
		add_range(job, batch, index,
			  job->joins ? job->joins[index].n_pages
				     : le32_get(job->s.extents[index].n_pages));
		index = job->joins ? job->joins[index].below : SHADOW_NONE;
	}
}

/* Extents from *RET on, as many as make a batch: small ones of small files lie side by side. */
static uint32_t take_extents(struct job *job, uint32_t *ret)
{
	uint32_t n_extents = job->s.n_extents, first = atomic_load(&job->next_ask), end;
	uint32_t n_calls = job->seeks ? 1 : job->plan.batch_calls;

	do {
		uint32_t n_pages = 0;

		for (end = first; end < n_extents && end - first < n_calls; end++) {
			n_pages +=
				le32_get(job->s.extents[job_extent_at(job, end)].n_pages);
			if (n_pages > job->plan.batch_pages && end > first)
				break;
		}
	} while (!atomic_compare_exchange_weak(&job->next_ask, &first, end));
	*ret = first;
	return end;
}

static void release_extent(struct job *job, uint32_t index)
{
	job_release_object(job, le32_get(job->s.extents[index].object));
}

void job_ask_all(struct job *job)
{
	struct batch batch = { 0 };

	if (!job_begin_asking(job))
		return;
	while (!job->stop && atomic_load(&job->pages_left) > 0) {
		uint32_t first, end = take_extents(job, &first);

		if (first == end)
			return;
		/* The others may have taken as many, and what is left is theirs. */
		batch.last = end + job->plan.n_askers * job->plan.batch_calls >=
			     job->s.n_extents;
		for (uint32_t i = first; i < end; i++)
			add_extent(job, &batch, job_extent_at(job, i));
		ask_batch(job, &batch);
		for (uint32_t i = first; i < end; i++)
			release_extent(job, job_extent_at(job, i));
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
void job_wait_all(struct job *job)
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
		release_extent(job, i);
	}
}
