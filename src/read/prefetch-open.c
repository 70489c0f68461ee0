/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The objects of a job. Whoever needs one that nobody has opened opens it, some threads do so
 * ahead of need; at most one thread opens each. What identifies the file is object-open.c's.
 */
#include <fcntl.h>

#include "blockdev.h"
#include "bounds.h"
#include "clock.h"
#include "prefetch-private.h"

static uint32_t find_device(const struct job *job, dev_t dev)
{
	for (int i = 0; i < PREFETCH_DEVICES; i++) {
		uint32_t bytes = job->devices[i].call_bytes;

		if (bytes && job->devices[i].dev == dev)
			return bytes;
	}
	return 0;
}

static void add_device(struct job *job, dev_t dev, uint32_t bytes)
{
	pthread_mutex_lock(&job->lock);
	for (int i = 0; i < PREFETCH_DEVICES; i++)
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
	uint32_t bytes = find_device(job, dev), native = (uint32_t)sysconf(_SC_PAGESIZE);
	size_t limit;

	if (bytes)
		return bytes;
	limit = blockdev_readahead_bytes(job->sysfd, dev);
	bytes = limit ? (uint32_t)MIN(limit, PREFETCH_CALL_BYTES) & ~(native - 1)
		      : PREFETCH_CALL_BYTES;
	bytes = MAX(bytes, native);
	add_device(job, dev, bytes);
	return bytes;
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
	if (job->s.kind == SHADOW_KIND_OWN)
		*ret = object_check_own(o, &st);
	else if (job->s.kind != SHADOW_KIND_PLACES)
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
	uint64_t start_us = clock_us();
	enum object_skip skip;
	int r;

	r = open_object(job, index, &skip);
	if (job->gentle && clock_us() - start_us > PREFETCH_DISK_US)
		job_ask_go_on(job);
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

bool job_open_next(struct job *job)
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

bool job_need_object(struct job *job, uint32_t index)
{
	struct object *object = &job->objects[index];

	while (!job->stop) {
		uint8_t phase = object->phase;

		if (phase == PHASE_OPEN || phase == PHASE_SKIPPED)
			return phase == PHASE_OPEN;
		if (claim_object(object))
			open_claimed(job, index, true);
		else if (!job_open_next(job))
			wait_opened(job, object);
	}
	return false;
}

void job_release_object(struct job *job, uint32_t index)
{
	struct object *object = &job->objects[index];

	if (atomic_fetch_sub(&object->n_left, 1) == 1 && object->phase == PHASE_OPEN) {
		close(object->fd);
		object->fd = -1;
		atomic_fetch_sub(&job->n_open, 1);
	}
}
