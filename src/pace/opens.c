/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bounds.h"
#include "macro.h"
#include "opens.h"
#include "residency.h"

/*
 * Each MiB of the boot's part is in the order of places, not of use (pack-write.c): what lies so little
 * behind the front, as many files of one page, may still come. Process 1 has 200 units in one of them.
 */
#define NEAR	     256u
/* Fewer tell nothing. */
#define ENOUGH	     64u
/*
 * Of what was passed, the right pack of a system with eight services had 96 to 100 % opened at any time, also
 * when all of its services had been removed; one with four times as much 2 to 28 %.
 */
#define USED_PERCENT 50u
/* One of so many opened files is farther on than the others: services start side by side. */
#define AHEAD	     10u
/* At the start, one of so many files is asked about; so many in a row that are missing end it. */
#define PROBE_EVERY  4u
#define PROBES	     4u

/* Of a file. */
enum {
	COUNTS = 1,
	OPENED = 2,
};

struct file {
	uint32_t rank; /* from 0 on; SHADOW_NONE: it has no extents */
	uint32_t first_pgno;
};

struct opens {
	pthread_mutex_t lock;
	int fd;
	uint32_t n_objects, n_ranks;
	struct file *files;   /* of objects */
	uint32_t *rank_of_wd; /* inotify counts from 1 on, and uses no number again */
	uint8_t *states;      /* of ranks */
	bool has_begun;	      /* the files that were in memory have been left behind */
	unsigned n_watched, n_missing; /* before that; probes in a row */
};

void opens_free(struct opens *o)
{
	if (o->fd >= 0)
		close(o->fd);
	free(o->files);
	free(o->rank_of_wd);
	free(o->states);
	free(o);
}
DEFINE_CLEANUP(struct opens *, opens_free)

static void find_ranks(struct opens *o, const struct shadow *s)
{
	for (uint32_t i = 0; i < s->n_objects; i++)
		o->files[i].rank = SHADOW_NONE;
	for (uint32_t i = 0; i < s->n_extents; i++) {
		struct file *f = &o->files[le32_get(s->extents[i].object)];

		if (f->rank == SHADOW_NONE)
			*f = (struct file){ o->n_ranks++,
					    le32_get(s->extents[i].first_pgno) };
	}
}

int opens_new(const struct shadow *s, struct opens **ret)
{
	_cleanup_(opens_freep) struct opens *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	pthread_mutex_init(&o->lock, NULL);
	o->n_objects = s->n_objects;
	o->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (o->fd < 0)
		return -errno;
	o->files = calloc(s->n_objects + 1u, sizeof(*o->files));
	o->rank_of_wd = calloc(s->n_objects + 1u, sizeof(*o->rank_of_wd));
	o->states = calloc(s->n_objects + 1u, sizeof(*o->states));
	if (!o->files || !o->rank_of_wd || !o->states)
		return -ENOMEM;
	find_ranks(o, s);
	*ret = TAKE_PTR(o);
	return 0;
}

/*
 * The kernel tells who may write the file. To others a read that does not wait is an answer, and has the
 * page that is missing read: where the disk is done before the call is, all of them were there.
 */
static bool is_in_memory(int fd, uint32_t pgno)
{
	struct residency_count c;
	char byte;
	struct iovec to = { &byte, 1 };

	if (residency_count(fd, pgno, 1, &c) == 0)
		return c.n_resident > 0;
	return preadv2(fd, &to, 1, (off_t)pgno * PAGE_BYTES, RWF_NOWAIT) == 1;
}

/* Whether the boot has not been here yet. */
static bool has_begun(struct opens *o, const struct file *f, int fd)
{
	if (o->has_begun || o->n_watched++ % PROBE_EVERY != 0)
		return o->has_begun;
	o->n_missing = is_in_memory(fd, f->first_pgno) ? 0 : o->n_missing + 1;
	o->has_begun = o->n_missing == PROBES;
	return false;
}

void opens_watch(struct opens *o, uint32_t index, int fd)
{
	const struct file *f = &o->files[index];
	char path[sizeof("/proc/self/fd/") + 11];
	int wd;

	if (f->rank == SHADOW_NONE)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* Before it is known which file the number means, nobody may look at what happened. */
	pthread_mutex_lock(&o->lock);
	if (has_begun(o, f, fd)) {
		wd = inotify_add_watch(o->fd, path, IN_OPEN | IN_ONESHOT);
		if (wd > 0 && (uint32_t)wd <= o->n_objects) {
			o->rank_of_wd[wd] = f->rank;
			o->states[f->rank] |= COUNTS;
		}
	}
	pthread_mutex_unlock(&o->lock);
}

static void note_event(struct opens *o, const struct inotify_event *e)
{
	if (e->mask & IN_OPEN && e->wd > 0 && (uint32_t)e->wd <= o->n_objects)
		o->states[o->rank_of_wd[e->wd]] |= OPENED;
}

static void read_events(struct opens *o)
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t n;

	while ((n = read(o->fd, events, sizeof(events))) > 0)
		for (const char *p = events; p < events + n;) {
			const struct inotify_event *e = (const void *)p;

			note_event(o, e);
			p += sizeof(*e) + e->len;
		}
}

/* Ranks below it have been passed. */
static uint32_t find_front(const struct opens *o)
{
	uint32_t n_opened = 0, n_ahead, rank = o->n_ranks;

	for (uint32_t i = 0; i < o->n_ranks; i++)
		n_opened += (o->states[i] & OPENED) != 0;
	n_ahead = n_opened / AHEAD;
	while (rank > 0 && (!(o->states[rank - 1] & OPENED) || n_ahead-- > 0))
		rank--;
	return rank > NEAR ? rank - NEAR : 0;
}

struct opens_count opens_look(struct opens *o)
{
	struct opens_count c = { 0 };
	uint32_t front;

	pthread_mutex_lock(&o->lock);
	read_events(o);
	front = find_front(o);
	for (uint32_t i = 0; i < front; i++) {
		c.n_passed += (o->states[i] & COUNTS) != 0;
		c.n_used += (o->states[i] & OPENED) != 0;
	}
	pthread_mutex_unlock(&o->lock);
	return c;
}

bool opens_are_few(const struct opens_count *c)
{
	return c->n_passed >= ENOUGH &&
	       (uint64_t)c->n_used * 100 < (uint64_t)c->n_passed * USED_PERCENT;
}
