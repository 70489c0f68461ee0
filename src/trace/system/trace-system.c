/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "bounds.h"
#include "clock.h"
#include "large-folios.h"
#include "mapped-along.h"
#include "pageset.h"
#include "system-files.h"
#include "touched-page.h"
#include "trace-system.h"
#include "tracefs.h"
#include "vec.h"

#define TICK_MS	      20
#define TICK_LIGHT_MS 100
#define DRAIN_PAGES   256 /* of ring buffers at a time: files are asked for between */
/* Of a profile's text: a page run's line, an object without its path and page runs. */
#define RUN_BYTES     34u
#define OBJECT_BYTES  256u
/* What the kernel maps around a touch, unless told otherwise: mm/memory.c, fault_around_pages. */
#define AROUND_BYTES  65536u
/* A boot reads a thousand; who walks all of a disk reads no end of them. */
#define MAX_BLOCKS    65536u

struct system_trace {
	struct system_files files;
	struct tracefs tracefs;
	const struct trace_system_options *options;
	struct trace_system_report *report;
	uint64_t start_ns;
	uint64_t native_pages; /* of ours in one of the processor's */
	uint8_t *pages;	       /* of ring buffers, DRAIN_PAGES */
	size_t bytes[DRAIN_PAGES];
	unsigned cpus[DRAIN_PAGES];
	struct touches touches; /* of a light recording */
	struct trace_result *result;
};

/* ---- events ---- */

/* The file of the event; NULL: none that counts. */
static struct traced_file *find_file(struct system_trace *t, const struct page_event *e)
{
	dev_t dev = makedev(e->dev >> 20, e->dev & ((1u << 20) - 1));
	struct traced_file *file = system_files_find(&t->files, dev, (ino_t)e->ino);

	t->report->n_events++;
	if (!file)
		t->report->n_unknown += system_files_has_disk(&t->files, dev);
	return file;
}

static uint32_t bucket_of(const struct system_trace *t, uint64_t time_ns)
{
	return when_from_us(time_ns > t->start_ns ? (time_ns - t->start_ns) / 1000 : 0);
}

/* Events count the processor's pages. */
static void mark(const struct system_trace *t, struct traced_file *file,
		 uint64_t first_pgno, uint64_t last_pgno, uint32_t when)
{
	traced_file_mark(file, first_pgno * t->native_pages,
			 (last_pgno - first_pgno + 1) * t->native_pages, when);
}

static int take_read(struct system_trace *t, const struct page_event *e, uint64_t time_ns)
{
	struct traced_file *file = find_file(t, e);

	if (file)
		mark(t, file, e->first_pgno, e->last_pgno, bucket_of(t, time_ns));
	return 0;
}

static int take_fault(struct system_trace *t, const struct page_event *e, uint64_t time_ns,
		      unsigned cpu)
{
	struct traced_file *file = find_file(t, e);
	uint32_t when = bucket_of(t, time_ns);

	if (!file)
		return 0;
	file->faulted = true;
	mark(t, file, e->first_pgno, e->last_pgno, when);
	return t->options->light ? touches_exact(&t->touches, cpu, e->pid, file,
						 e->first_pgno, (uint8_t)when)
				 : 0;
}

/* Which of them was touched is known in the end, see settle(). */
static int take_mapped(struct system_trace *t, const struct page_event *e, uint64_t time_ns,
		       unsigned cpu)
{
	struct traced_file *file = find_file(t, e);
	uint32_t when = bucket_of(t, time_ns);

	if (!file)
		return 0;
	traced_file_mark_along(file, e->first_pgno * t->native_pages,
			       (e->last_pgno - e->first_pgno + 1) * t->native_pages, when);
	return touches_mapped(&t->touches, cpu, e->pid, file, e->first_pgno, e->last_pgno,
			      (uint8_t)when);
}

static int take_light_record(struct system_trace *t, const struct ring_record *record,
			     unsigned cpu)
{
	const struct tracefs *fs = &t->tracefs;
	struct touch_event touch;
	struct page_event e;

	if (page_event_decode(&fs->map, record, &e))
		return take_mapped(t, &e, record->time_ns, cpu);
	if (fs->has_touches && (touch_event_decode(&fs->touch_user, record, &touch) ||
				touch_event_decode(&fs->touch_kernel, record, &touch)))
		touches_begin(&t->touches, cpu, touch.pid,
			      touch.address / t->tracefs.page_bytes);
	return 0;
}

static int take_blocks(struct system_trace *t, const struct block_event *e)
{
	struct trace_result *r = t->result;

	if (r->n_blocks == MAX_BLOCKS)
		return 0;
	if (VEC_RESERVE_ONE(r->blocks, r->n_blocks, r->blocks_capacity) < 0)
		return -ENOMEM;
	r->blocks[r->n_blocks++] = (struct trace_blocks){
		.dev = makedev(e->dev >> 20, e->dev & ((1u << 20) - 1)),
		.first_sector = e->first_sector,
		.n_sectors = e->n_sectors,
	};
	return 0;
}

static int take_record(struct system_trace *t, const struct ring_record *record,
		       unsigned cpu)
{
	struct block_event block;
	struct page_event e;

	if (page_event_decode(&t->tracefs.get, record, &e))
		return take_read(t, &e, record->time_ns);
	if (page_event_decode(&t->tracefs.fault, record, &e))
		return take_fault(t, &e, record->time_ns, cpu);
	if (t->tracefs.has_blocks && block_event_decode(&t->tracefs.block, record, &block))
		return take_blocks(t, &block);
	return t->options->light ? take_light_record(t, record, cpu) : 0;
}

static int take_page(struct system_trace *t, size_t i)
{
	struct ring_reader reader;
	struct ring_record record;
	int r = 0;

	if (ring_open(&reader, &t->tracefs.layout, t->pages + i * t->tracefs.page_bytes,
		      t->bytes[i]) < 0)
		return 0;
	while (r == 0 && ring_next(&reader, &record))
		r = take_record(t, &record, t->cpus[i]);
	return r;
}

/* Read up to DRAIN_PAGES pages of ring buffers, of all CPUs in turn; returns how many. */
static size_t read_pages(struct system_trace *t)
{
	size_t page_bytes = t->tracefs.page_bytes, n = 0;
	bool more = true;

	while (more) {
		more = false;
		for (unsigned cpu = 0; cpu < t->tracefs.n_cpus && n < DRAIN_PAGES; cpu++) {
			ssize_t got =
				tracefs_read(&t->tracefs, cpu, t->pages + n * page_bytes);

			if (got > 0) {
				t->cpus[n] = cpu;
				t->bytes[n++] = (size_t)got;
				more = true;
			}
		}
	}
	return n;
}

/*
 * A file is opened before its pages are used: notifications that are taken after events were
 * read, and before these are looked at, name all their files.
 */
static int drain(struct system_trace *t)
{
	size_t n;

	do {
		int r;

		n = read_pages(t);
		r = system_files_drain(&t->files);
		for (size_t i = 0; r == 0 && i < n; i++)
			r = take_page(t, i);
		if (r < 0)
			return r;
	} while (n == DRAIN_PAGES);
	return 0;
}

/* ---- the recording ---- */

static int begin(struct system_trace *t)
{
	int r = system_files_init(&t->files, t->options->light);

	if (r < 0)
		return r;
	t->start_ns = clock_ns();
	r = tracefs_start(&t->tracefs, t->files.files.mounts, t->options->light);
	if (r == 0 && t->options->light)
		r = touches_init(&t->touches, t->tracefs.n_cpus,
				 (unsigned)(AROUND_BYTES / t->tracefs.page_bytes));
	if (r < 0)
		return r;
	t->report->exact = t->tracefs.exact;
	t->pages = malloc(DRAIN_PAGES * t->tracefs.page_bytes);
	return t->pages ? system_files_learn_running(&t->files) : -ENOMEM;
}

static int record(struct system_trace *t, const sigset_t *signals)
{
	const struct timespec tick = {
		.tv_nsec = (t->options->light ? TICK_LIGHT_MS : TICK_MS) * 1000000,
	};
	uint64_t end_ns = t->start_ns + (uint64_t)t->options->duration_ms * 1000000u;
	int r = 0;

	if (t->options->on_start)
		t->options->on_start(t->options->userdata);

	while (r == 0 && clock_ns() < end_ns && sigtimedwait(signals, NULL, &tick) < 0) {
		r = system_files_follow_mounts(&t->files);
		if (r == 0)
			r = drain(t);
	}
	t->report->n_lost = tracefs_end(&t->tracefs);
	return r < 0 ? r : drain(t);
}

/* Of files that were mapped: what read() needs in a large folio is seen each time. */
static void count_large_folios(struct system_trace *t)
{
	for (size_t i = 0; i < t->files.files.n; i++) {
		const struct traced_file *file = t->files.files.items[i];

		if (file->faulted && file->why == LEFT_OUT_NOT)
			t->report->n_large += large_folios_count(&file->object);
	}
}

static void mark_touched(void *file, uint32_t pgno, uint8_t when, void *userdata)
{
	mark(userdata, file, pgno, pgno, when);
}

/* All is known that was touched, and what was mapped along. */
static void settle(struct system_trace *t)
{
	touches_resolve(&t->touches, mark_touched, t);
	for (size_t i = 0; i < t->files.files.n; i++)
		traced_file_settle_along(t->files.files.items[i]);
}

static void system_trace_done(struct system_trace *t)
{
	tracefs_done(&t->tracefs);
	system_files_done(&t->files);
	touches_done(&t->touches);
	free(t->pages);
}

static int run(struct system_trace *t, struct trace_result *ret)
{
	sigset_t signals, before;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &before);
	r = begin(t);
	if (r == 0)
		r = record(t, &signals);
	if (r == 0 && t->options->light)
		settle(t);
	else if (r == 0)
		count_large_folios(t);
	if (r == 0)
		r = traced_files_finish(&t->files.files, ret);
	ret->elapsed_us = (clock_ns() - t->start_ns) / 1000;
	t->report->n_overflows = t->files.n_overflows;
	t->report->n_clashes = t->files.n_clashes;
	/* Puts the kernel's settings back; also when a signal came meanwhile. */
	system_trace_done(t);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

int trace_system(const struct trace_system_options *options, struct trace_result *ret,
		 struct trace_system_report *ret_report)
{
	struct system_trace t = {
		.options = options,
		.report = ret_report,
		.result = ret,
		.files = { .fanotify_fd = -1, .files = { .mountinfo_fd = -1 } },
		.native_pages = (uint64_t)sysconf(_SC_PAGESIZE) / PAGE_BYTES,
		.tracefs = TRACEFS_NONE,
	};
	int r;

	*ret = (struct trace_result){ .method =
					      options->light ? TRACE_FAULTS : TRACE_FILEMAP,
				      .window_ended = true };
	*ret_report = (struct trace_system_report){ 0 };
	r = run(&t, ret);
	if (r == 0)
		ret_report->n_left_out = trace_system_limit(ret);
	else
		trace_result_done(ret);
	return r;
}

/* ---- what a profile can hold ---- */

static uint8_t first_touch(const struct trace_object *o)
{
	uint8_t first = UINT8_MAX;

	for (uint32_t i = 0; i < o->n_pages; i++)
		if (o->when[i] && o->when[i] < first)
			first = o->when[i];
	return first;
}

static size_t count_runs(const struct trace_object *o)
{
	size_t n = 0;

	for (uint32_t i = 0; i < o->n_pages; i++)
		n += o->when[i] && (i == 0 || o->when[i] != o->when[i - 1]);
	return n;
}

struct touched {
	size_t index;
	uint8_t first;
};

static int compare_touched(const void *a, const void *b)
{
	const struct touched *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static void drop_object(struct trace_object *o)
{
	free(o->path);
	free(o->when);
	o->path = NULL;
}

/* Drop, of the objects in ORDER, those from the first on that does not fit. */
static size_t drop_last(struct trace_result *r, const struct touched *order)
{
	size_t n_runs = 0, n_bytes = 0, n = 0;

	for (; n < r->n_objects && n < LIMIT_PROFILE_OBJECTS; n++) {
		const struct trace_object *o = &r->objects[order[n].index];
		size_t runs = count_runs(o);

		n_runs += runs;
		n_bytes += OBJECT_BYTES + strlen(o->path) + runs * RUN_BYTES;
		if (n_runs > LIMIT_PROFILE_PAGE_RUNS || n_bytes > LIMIT_PROFILE_BYTES)
			break;
	}
	for (size_t i = n; i < r->n_objects; i++)
		drop_object(&r->objects[order[i].index]);
	return r->n_objects - n;
}

size_t trace_system_limit(struct trace_result *r)
{
	_cleanup_free_ struct touched *order = calloc(r->n_objects + 1, sizeof(*order));
	size_t n_dropped, n = 0;

	if (!order)
		return 0;
	for (size_t i = 0; i < r->n_objects; i++)
		order[i] = (struct touched){ i, first_touch(&r->objects[i]) };
	qsort(order, r->n_objects, sizeof(*order), compare_touched);
	n_dropped = drop_last(r, order);
	for (size_t i = 0; i < r->n_objects; i++)
		if (r->objects[i].path)
			r->objects[n++] = r->objects[i];
	r->n_objects = n;
	return n_dropped;
}
