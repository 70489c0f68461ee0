/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The objects of a job. Whoever needs one that nobody has opened opens it, some threads do so
 * ahead of need; at most one thread opens each. What identifies the file is object-open.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "blockdev.h"
#include "bounds.h"
#include "clock.h"
#include "fstypes.h"
#include "prefetch-private.h"

/* ---- images of whole blocks ---- */

/*
 * squashfs (Linux 6.18) reads and unpacks block by block, in whoever asks: as many requests are under way as there
 * are threads. Its inodes lie behind all data. So on a disk that seeks the arm went to and fro for each file
 * that was opened, 18 ms each way, and for each next block of one thread waited half a turn. Now all files are
 * opened first, and then eight threads ask, both in the order of inodes, which is about that of the blocks as
 * mksquashfs writes them. Launches on the lab's hard disk, plain, before, and now: git 663 ms, 799, 637; gdb 4,246,
 * 4,774, 2,782. Where nothing seeks, pages come in the order of first touch, as soon as that is known: on
 * a network volume git 129, 59, 70; gdb 1,004, 422, 407.
 *
 * What lies below an image (a loop device, a file on whatever) nobody tells. How long opening takes does: where
 * it had to read, 9 to 25 ms each on the hard disk, for the first two files, and 2 to 6 on an SD card and behind a network.
 */
#define SEEK_US	    UINT64_C(9000) /* on average */
/* Files that had to be read for to be opened: so many tell. */
#define ENOUGH	    2u
/* Who asks where nothing seeks; the other threads are for the arm. */
#define SOME_ASKERS 4u

static bool lies_in_blocks(const struct job *job, const struct shadow_object *o)
{
	const char *root = strcmp(job->root_path, "/") == 0 ? "" : job->root_path;
	char full[2 * PATH_MAX];

	return snprintf(full, sizeof(full), "%s%s", root, shadow_string(&job->s, o->path)) <
		       (int)sizeof(full) &&
	       fstype_find(mounts_fstype(job->place.mounts, full))->whole_blocks;
}

/* By the first of its files: a launch has most of them on one file system. */
bool job_lies_in_blocks(const struct job *job)
{
	const struct shadow *s = &job->s;

	if (!job->is_image)
		return false;
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].storage == STORAGE_IMAGE)
			return lies_in_blocks(job, &s->objects[i]);
	return false;
}

static int compare_by_inode(const void *pa, const void *pb, void *userdata)
{
	const struct shadow *s = userdata;
	const struct shadow_extent *a = &s->extents[*(const uint32_t *)pa],
				   *b = &s->extents[*(const uint32_t *)pb];
	uint64_t ia = le64_get(s->objects[le32_get(a->object)].ino),
		 ib = le64_get(s->objects[le32_get(b->object)].ino);
	uint32_t fa = le32_get(a->first_pgno), fb = le32_get(b->first_pgno);

	if (ia != ib)
		return ia < ib ? -1 : 1;
	return fa < fb ? -1 : fa > fb;
}

static int compare_objects(const void *pa, const void *pb, void *userdata)
{
	const struct shadow *s = userdata;
	uint64_t a = le64_get(s->objects[*(const uint32_t *)pa].ino),
		 b = le64_get(s->objects[*(const uint32_t *)pb].ino);

	return a < b ? -1 : a > b;
}

int job_sort_by_inode(struct job *job)
{
	uint32_t n = job->s.n_extents;

	job->by_inode = calloc(n + 1u, sizeof(*job->by_inode));
	if (!job->by_inode)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		job->by_inode[i] = i;
	qsort_r(job->by_inode, n, sizeof(*job->by_inode), compare_by_inode, &job->s);
	qsort_r(job->order, job->n_order, sizeof(*job->order), compare_objects, &job->s);
	return 0;
}

/* Under the lock; once. */
static void decide_order(struct job *job)
{
	bool seeks = job->slow_opens_us > job->n_slow_opens * SEEK_US;

	if (job->is_decided)
		return;
	job->seeks = seeks && job->by_inode;
	job->is_decided = true;
	/* Before the launch, reading is in nobody's way. */
	if (seeks && job->is_image && !job->wait && !prefetch_gains_by_sweep(&job->s))
		job->stopped = job->stop = true;
	pthread_cond_broadcast(&job->changed);
}

static void note_open(struct job *job, uint64_t took_us)
{
	if (!job->is_image || took_us <= PREFETCH_DISK_US)
		return;
	pthread_mutex_lock(&job->lock);
	job->slow_opens_us += took_us;
	if (++job->n_slow_opens >= ENOUGH)
		decide_order(job);
	pthread_mutex_unlock(&job->lock);
}

void job_note_all_open(struct job *job)
{
	pthread_mutex_lock(&job->lock);
	job->all_open = true;
	decide_order(job);
	pthread_cond_broadcast(&job->changed);
	pthread_mutex_unlock(&job->lock);
}

bool job_begin_asking(struct job *job)
{
	bool is_wanted;

	if (!job->by_inode)
		return true;
	pthread_mutex_lock(&job->lock);
	while (!job->stop && !job->is_decided)
		pthread_cond_wait(&job->changed, &job->lock);
	is_wanted = job->seeks || job->n_asking_begun++ < SOME_ASKERS;
	while (job->seeks && !job->stop && !job->all_open)
		pthread_cond_wait(&job->changed, &job->lock);
	pthread_mutex_unlock(&job->lock);
	return is_wanted;
}

uint32_t job_extent_at(const struct job *job, uint32_t i)
{
	return job->seeks ? job->by_inode[i] : i;
}

/* ---- opening ---- */

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
	bytes = limit ? (uint32_t)MIN(limit, JOIN_WINDOW_PAGES * PAGE_BYTES) & ~(native - 1)
		      : PREFETCH_CALL_BYTES;
	bytes = MAX(bytes, native);
	add_device(job, dev, bytes);
	return bytes;
}

/*
 * A file that has another inode than was recorded, as all have of which a program brings the shadow along, is
 * known by its build-id, and reading that goes to the disk, mostly to a page that the launch needs. What else it needs
 * of the file comes along, so that no disk has to go there twice: gdb of 60 files on a hard disk. Not from
 * an image, which has an order of its own, and reads while it is asked.
 */
static void bring_along(const struct job *job, const struct shadow_object *o,
			const struct stat *st, int fd)
{
	struct identity want = shadow_object_identity(o), found = identity_from_stat(st);

	if (job->s.kind != SHADOW_KIND_SHADOW || o->storage == STORAGE_IMAGE ||
	    o->buildid_bytes == 0 || want.size_bytes != found.size_bytes ||
	    identity_equal(&want, &found))
		return;
	for (uint32_t i = le32_get(o->first_extent); i != SHADOW_NONE;
	     i = le32_get(job->s.extents[i].next))
		posix_fadvise(fd,
			      (off_t)le32_get(job->s.extents[i].first_pgno) * PAGE_BYTES,
			      (off_t)le32_get(job->s.extents[i].n_pages) * PAGE_BYTES,
			      POSIX_FADV_WILLNEED);
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
	else if (job->s.kind != SHADOW_KIND_PLACES) {
		bring_along(job, o, &st, fd);
		*ret = object_check(o, &st, fd);
	}
	if (*ret != OBJECT_USED)
		return 0;
	if (job->on_open)
		job->on_open(job->userdata, index, fd);
	object->size_bytes = (uint64_t)st.st_size;
	object->call_bytes = device_call_bytes(job, st.st_dev);
	if (o->storage != STORAGE_IMAGE || !job->joins)
		object->call_bytes = MIN(object->call_bytes, PREFETCH_LONGEST_BYTES);
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
	uint64_t start_us = clock_us(), took_us;
	enum object_skip skip;
	int r;

	r = open_object(job, index, &skip);
	took_us = clock_us() - start_us;
	note_open(job, took_us);
	if (job->gentle && took_us > PREFETCH_DISK_US)
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
