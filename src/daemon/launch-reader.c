/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who writes what: the queue, the book and the counts under the lock; a reader's own fields by
 * itself alone. Nothing that may sleep in storage is done under the lock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bounds.h"
#include "bundle.h"
#include "clock.h"
#include "embedded-block.h"
#include "launch-reader.h"
#include "launched.h"
#include "macro.h"
#include "mounts.h"
#include "object-open.h"
#include "prefetch-launch.h"
#include "pressure.h"
#include "residency.h"
#include "search.h"

/*
 * Launches that are read at once; each has the eight threads of its job besides, and eight that look names up
 * where nobody knows the file system's blocks: TasksMax= of the unit.
 */
#define READERS	    4
/* Launches that wait for one of them. After so many that are read, the next has read by itself. */
#define QUEUE	    256
/* A program that was launched a moment ago is in memory, or on its way. */
#define AGAIN_US    10000000u
/* Places of a launch that are looked at: when all of them are in memory, all is taken to be. */
#define LOOKS	    8u
/* Half of a job's stack does: two paths. ASan wants more. */
#define STACK_BYTES (256u << 10)

/* What there is to read, as long as somebody reads from it. */
struct book {
	unsigned n_users;
	struct shadow_buffer bundle;
	struct name_list bringing;
	/* By a program's first launch, behind these by BRINGING: when it was looked at; 0: never. */
	uint64_t *looked_us;
};

struct request {
	struct book *book; /* counted */
	uint32_t first,
		n; /* launches; from the bundle's number of them on one that brings its own */
	uint32_t token;
	uint64_t since_us;
	bool is_read; /* else looked at */
};

struct launch_reader {
	const struct store *store;
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct book *book; /* NULL: nothing to read */
	struct request queue[QUEUE];
	unsigned first, n; /* of the queue */
	struct launch_reader_counts counts;
	struct launched_log log;
	uint32_t last_token;
	uint32_t cold[LAUNCH_READER_VERDICTS]; /* tokens, each in its place */
	_Atomic unsigned mounts_serial;
};

struct reader {
	struct launch_reader *shared;
	struct mounts *mounts;
	unsigned mounts_serial; /* of MOUNTS */
	uint64_t scanned;	/* see pressure_is_high() */
};

/* ---- the book ---- */

static void book_free(struct book *b)
{
	if (b->bundle.data)
		munlock(b->bundle.data, b->bundle.bytes);
	shadow_buffer_done(&b->bundle);
	name_list_done(&b->bringing);
	free(b->looked_us);
	free(b);
}

/* Under the lock; true: it is to be freed, outside of it. */
static bool book_leave(struct book *b)
{
	return b && --b->n_users == 0;
}

static bool are_equal(const struct name_list *a, const struct name_list *b)
{
	for (size_t i = 0; a->n == b->n && i < a->n; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return a->n == b->n;
}

/* The book is replaced by who asks this alone, so it stays without the lock. */
static bool is_known(const struct launch_reader *r, const struct shadow_buffer *bundle,
		     const struct name_list *bringing)
{
	return r->book && r->book->bundle.bytes == bundle->bytes &&
	       (bundle->bytes == 0 ||
		memcmp(r->book->bundle.data, bundle->data, bundle->bytes) == 0) &&
	       are_equal(&r->book->bringing, bringing);
}

static void give_back(struct shadow_buffer *bundle, struct name_list *bringing)
{
	shadow_buffer_done(bundle);
	name_list_done(bringing);
}

int launch_reader_set(struct launch_reader *r, struct shadow_buffer *bundle,
		      struct name_list *bringing)
{
	struct book *b, *old;
	bool is_last;

	/* What was launched a moment ago stays known. */
	if (is_known(r, bundle, bringing)) {
		give_back(bundle, bringing);
		return 0;
	}
	b = calloc(1, sizeof(*b));
	if (b)
		b->looked_us = calloc(bundle->shadow.n_launches + bringing->n + 1u,
				      sizeof(*b->looked_us));
	if (!b || !b->looked_us) {
		free(b);
		give_back(bundle, bringing);
		return -ENOMEM;
	}
	b->bringing = *bringing;
	*bringing = (struct name_list){ 0 };
	b->n_users = 1;
	b->bundle = *bundle;
	*bundle = (struct shadow_buffer){ 0 };
	/* Else memory that is short would have it read from the disk that is slow. */
	if (b->bundle.data)
		mlock(b->bundle.data, b->bundle.bytes);
	pthread_mutex_lock(&r->lock);
	old = r->book;
	r->book = b;
	is_last = book_leave(old);
	pthread_mutex_unlock(&r->lock);
	if (is_last)
		book_free(old);
	return 0;
}

/* ---- who tells of launches ---- */

void launch_reader_mounts_changed(struct launch_reader *r)
{
	atomic_fetch_add(&r->mounts_serial, 1);
}

/* 0: too many wait, it may come again. */
static uint32_t enqueue(struct launch_reader *r, uint32_t first, uint32_t n, bool is_read)
{
	if (r->n == QUEUE) {
		r->counts.n_dropped++;
		return 0;
	}
	r->last_token += r->last_token == UINT32_MAX ? 2 : 1;
	r->queue[(r->first + r->n++) % QUEUE] =
		(struct request){ r->book, first, n, r->last_token, clock_us(), is_read };
	r->book->n_users++;
	pthread_cond_signal(&r->came);
	return r->last_token;
}

/* How many launches of B are PROGRAM's, from *RET_FIRST on. */
static uint32_t find_launches(const struct book *b, const char *program,
			      uint32_t *ret_first)
{
	uint32_t n = bundle_find(&b->bundle.shadow, program, ret_first);
	size_t at;

	if (n > 0)
		return n;
	at = SEARCH_FIRST(i, b->bringing.n, strcmp(b->bringing.names[i], program) < 0);
	*ret_first = b->bundle.shadow.n_launches + (uint32_t)at;
	return at < b->bringing.n && strcmp(b->bringing.names[at], program) == 0;
}

uint32_t launch_reader_launched(struct launch_reader *r, const char *program, bool is_read)
{
	uint64_t now_us = clock_us();
	uint32_t first, n, token = 0;

	pthread_mutex_lock(&r->lock);
	n = r->book ? find_launches(r->book, program, &first) : 0;
	if (n > 0 && r->book->looked_us[first] > 0 &&
	    now_us - r->book->looked_us[first] < AGAIN_US) {
		r->counts.n_again++;
	} else if (n > 0) {
		token = enqueue(r, first, n, is_read);
		if (token)
			r->book->looked_us[first] = now_us;
		/* Without memory a line is missing, and no more. */
		launched_add(&r->log, program, clock_boottime_ms(),
			     token ? LAUNCHED_PENDING : LAUNCHED_DROPPED, token);
	}
	pthread_mutex_unlock(&r->lock);
	return token;
}

bool launch_reader_was_cold(struct launch_reader *r, uint32_t token)
{
	uint32_t *place = &r->cold[token % LAUNCH_READER_VERDICTS];
	bool was_cold;

	pthread_mutex_lock(&r->lock);
	was_cold = *place == token;
	*place = 0;
	pthread_mutex_unlock(&r->lock);
	return was_cold;
}

struct launch_reader_counts launch_reader_counts(struct launch_reader *r)
{
	struct launch_reader_counts c;

	pthread_mutex_lock(&r->lock);
	c = r->counts;
	pthread_mutex_unlock(&r->lock);
	return c;
}

void launch_reader_note_time(struct launch_reader *r, uint32_t token, uint32_t ms)
{
	struct launched *one;

	pthread_mutex_lock(&r->lock);
	one = launched_find(&r->log, token);
	if (one)
		one->took_ms = ms;
	pthread_mutex_unlock(&r->lock);
}

int launch_reader_format_log(struct launch_reader *r, char **ret, size_t *ret_bytes)
{
	int error;

	pthread_mutex_lock(&r->lock);
	error = launched_format(&r->log, ret, ret_bytes);
	pthread_mutex_unlock(&r->lock);
	return error;
}

/* ---- who reads ---- */

static struct request dequeue(struct launch_reader *r)
{
	struct request q;

	pthread_mutex_lock(&r->lock);
	while (r->n == 0)
		pthread_cond_wait(&r->came, &r->lock);
	q = r->queue[r->first];
	r->first = (r->first + 1) % QUEUE;
	r->n--;
	pthread_mutex_unlock(&r->lock);
	return q;
}

static bool have_mounts(struct reader *reader)
{
	unsigned serial = atomic_load(&reader->shared->mounts_serial);

	if (reader->mounts && reader->mounts_serial == serial)
		return true;
	mounts_free(reader->mounts);
	reader->mounts = NULL;
	reader->mounts_serial = serial;
	return mounts_load(&reader->mounts) == 0;
}

/* Not there: what cannot be looked at either. */
static bool is_extent_resident(const struct object_place *place, const struct shadow *s,
			       const struct shadow_extent *e)
{
	const struct shadow_object *o = &s->objects[le32_get(e->object)];
	uint32_t n_pages = le32_get(e->n_pages);
	struct residency_count count;
	enum object_skip skip;
	struct stat st;
	bool is_there;
	int fd;

	if (object_open(place, shadow_string(s, o->path), &fd, &st, &skip) < 0 ||
	    skip != OBJECT_USED)
		return false;
	is_there = residency_count(fd, le32_get(e->first_pgno), n_pages, &count) == 0 &&
		   count.n_resident == n_pages;
	close(fd);
	return is_there;
}

/* The first one is of the program itself, mostly: where it is cold, that is seen at once. */
static bool is_resident(const struct object_place *place, const struct shadow *s)
{
	uint32_t n = MIN(LOOKS, s->n_extents);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)((uint64_t)i * s->n_extents / n);

		if (!is_extent_resident(place, s, &s->extents[at]))
			return false;
	}
	return true;
}

/* Without a deadline: who sleeps in a dead disk keeps one of the readers, and no one else. */
static uint64_t read_ahead(const struct reader *reader, const struct shadow_buffer *b)
{
	const struct prefetch_options options = {
		.rootfd = reader->shared->store->rootfd,
		.root_path = reader->shared->store->root_path,
	};
	struct prefetch_launch_report report;

	if (prefetch_launch(b, reader->mounts, &options, &report) < 0)
		return 0;
	free(report.data.skips);
	return report.data.n_pages_asked;
}

static bool has_buildid(const struct shadow *s, const char *path)
{
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].buildid_bytes > 0 &&
		    strcmp(shadow_string(s, s->objects[i].path), path) == 0)
			return true;
	return false;
}

/* A script is closed when it has hardly begun, see marks.h. */
static bool is_elf(const struct object_place *place, const struct shadow *s)
{
	const char *program = shadow_string(s, s->launches[0].program);
	enum object_skip skip;
	char magic[4] = { 0 };
	struct stat st;
	int fd;

	/* Without the disk, mostly. */
	if (has_buildid(s, program))
		return true;
	if (object_open(place, program, &fd, &st, &skip) < 0 || skip != OBJECT_USED)
		return false;
	if (pread(fd, magic, sizeof(magic), 0) < 0)
		magic[0] = 0;
	close(fd);
	return memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

/* Before it is read: the launch may end sooner than that. */
static void note_cold(struct launch_reader *r, uint32_t token)
{
	pthread_mutex_lock(&r->lock);
	r->cold[token % LAUNCH_READER_VERDICTS] = token;
	pthread_mutex_unlock(&r->lock);
}

/* What the program at PATH brings along; believed as compile does. */
static int take_brought(const struct reader *reader, const struct object_place *place,
			const char *path, struct shadow_buffer *ret)
{
	char full[2 * LIMIT_PATH_BYTES + 2];
	enum object_skip skip;
	struct stat st;
	int fd, r = object_open(place, path, &fd, &st, &skip);

	if (r < 0 || skip != OBJECT_USED)
		return r < 0 ? r : -ENOENT;
	snprintf(full, sizeof(full), "%s%s",
		 strcmp(place->root_path, "/") == 0 ? "" : place->root_path, path);
	r = store_is_trusted(reader->shared->store, &st)
		    ? embedded_load_shadow(fd, path, mounts_storage(reader->mounts, full),
					   ret)
		    : -EPERM;
	close(fd);
	return r;
}

static int take_launch(const struct reader *reader, const struct object_place *place,
		       const struct book *book, uint32_t launch, struct shadow_buffer *ret)
{
	uint32_t n = book->bundle.shadow.n_launches;

	return launch < n
		       ? bundle_take(&book->bundle.shadow, launch, ret)
		       : take_brought(reader, place, book->bringing.names[launch - n], ret);
}

static void serve_launch(struct reader *reader, const struct request *q, uint32_t launch,
			 struct launch_reader_counts *counts)
{
	const struct object_place place = { reader->shared->store->rootfd,
					    reader->shared->store->root_path,
					    reader->mounts };
	_cleanup_(shadow_buffer_done) struct shadow_buffer b = { 0 };

	if (take_launch(reader, &place, q->book, launch, &b) < 0)
		return;
	if (is_resident(&place, &b.shadow)) {
		counts->n_resident++;
		return;
	}
	if (is_elf(&place, &b.shadow))
		note_cold(reader->shared, q->token);
	if (!q->is_read) {
		counts->n_alone++;
		return;
	}
	counts->n_pages += read_ahead(reader, &b);
	counts->n_read++;
}

static enum launched_how became(const struct launch_reader_counts *c)
{
	return c->n_read > 0	   ? LAUNCHED_READ
	       : c->n_alone > 0	   ? LAUNCHED_ALONE
	       : c->n_resident > 0 ? LAUNCHED_THERE
				   : LAUNCHED_DROPPED;
}

/* Under the lock. */
static void note_launch(struct launch_reader *r, const struct request *q,
			const struct launch_reader_counts *c)
{
	struct launched *one = launched_find(&r->log, q->token);
	uint64_t ms = (clock_us() - q->since_us) / 1000;

	if (!one)
		return;
	one->how = became(c);
	one->n_pages = (uint32_t)MIN(c->n_pages, (uint64_t)LIMIT_LAUNCH_PAGES);
	if (one->how == LAUNCHED_READ)
		one->read_ms = (uint32_t)MIN(ms, (uint64_t)LIMIT_LAUNCH_MS);
}

static void serve(struct reader *reader, const struct request *q)
{
	struct launch_reader *r = reader->shared;
	struct launch_reader_counts counts = { 0 };
	bool is_last;

	if (!have_mounts(reader) || pressure_is_high(&reader->scanned))
		counts.n_dropped++;
	else
		for (uint32_t i = 0; i < q->n; i++)
			serve_launch(reader, q, q->first + i, &counts);
	pthread_mutex_lock(&r->lock);
	r->counts.n_read += counts.n_read;
	r->counts.n_alone += counts.n_alone;
	r->counts.n_resident += counts.n_resident;
	r->counts.n_dropped += counts.n_dropped;
	r->counts.n_pages += counts.n_pages;
	note_launch(r, q, &counts);
	is_last = book_leave(q->book);
	pthread_mutex_unlock(&r->lock);
	if (is_last)
		book_free(q->book);
}

static void *read_for_ever(void *arg)
{
	struct reader reader = { .shared = arg };

	for (;;) {
		struct request q = dequeue(reader.shared);

		serve(&reader, &q);
	}
	return NULL;
}

static int start_thread(struct launch_reader *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	error = pthread_attr_init(&attr);
	if (error)
		return -error;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	error = pthread_create(&thread, &attr, read_for_ever, r);
	pthread_attr_destroy(&attr);
	return -error;
}

int launch_reader_new(const struct store *store, struct launch_reader **ret)
{
	struct launch_reader *r = calloc(1, sizeof(*r));
	int error = r ? 0 : -ENOMEM;
	unsigned n = 0;

	if (error < 0)
		return error;
	r->store = store;
	/* Of an earlier watcher of this boot. What cannot be used makes room. */
	launched_load(store, &r->log);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->came, NULL);
	while (n < READERS && (error = start_thread(r)) == 0)
		n++;
	if (n == 0) {
		launched_done(&r->log);
		free(r);
		return error;
	}
	*ret = r;
	return 0;
}
