/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collecting launches: nothing of a shadow is kept but what the pack may need. */
#include <errno.h>
#include <string.h>

#include "boot-programs.h"
#include "bounds.h"
#include "config.h"
#include "hash.h"
#include "pack-private.h"
#include "storage.h"
#include "vec.h"

/*
 * Launches that each program is taken to have had besides those that were counted: on a
 * fresh install all are equal then, and what was never launched is the last to be read. Far
 * below the one launch that a program used now and then has at any time.
 */
#define PRIOR		  (LAUNCHES_ONE / 10)
/* A count that halves in fourteen days is that of so many: 1 / ln 2 = 1.4427. Also in millionths. */
#define COUNT_DAYS	  ((uint64_t)LAUNCHES_HALF_LIFE_S / 86400 * LAUNCHES_ONE / 10000 * 14427)
/* More launches than these say no more, and products stay below 2^64. */
#define COUNT_MOST	  ((uint64_t)8000 * LAUNCHES_ONE)

/*
 * The kernel reads around a fault: 16 pages before and 16 behind it (read_ahead_kb 128;
 * mm/filemap.c, do_sync_mmap_readahead, Linux 6.18). A launch jumps, so that much of that is
 * there already or never wanted: on average a fault serves 8 wanted pages. With that, and
 * with one wait for opening each file, the model of five launches on the lab's network disk
 * (1 ms) comes to 0.74 to 1.14 of what they were measured to lose: perl 184 of 223 ms,
 * python3 538 of 472, git 149 of 201, gcc 751 of 876, gdb 1136 of 1128.
 */
#define FAULT_PAGES	  8u
#define FAULTS_OF_OPENING 1u

uint64_t pack_count_faults(uint32_t first_pgno, uint32_t n_pages, uint64_t *ahead)
{
	uint64_t start = MAX(first_pgno, *ahead), end = (uint64_t)first_pgno + n_pages;
	uint64_t n;

	if (start >= end)
		return 0;
	n = DIV_ROUND_UP(end - start, FAULT_PAGES);
	*ahead = start + n * FAULT_PAGES;
	return n;
}

/*
 * A launch waits for one fault after the other: each takes the latency of the storage, and
 * all of them together the transfer of the pages.
 */
uint64_t pack_saving_us(enum storage_class c, uint64_t n_faults, uint64_t n_pages)
{
	const struct storage_cost *k = storage_cost(c);

	return n_faults * k->latency_us + n_pages * k->page_ns / 1000;
}

/* Many requests are under way at once, so it is the device's own time that counts. */
uint64_t pack_reading_us(enum storage_class c, uint64_t n_requests, uint64_t n_pages)
{
	const struct storage_cost *k = storage_cost(c);

	return n_requests * k->request_us + n_pages * k->page_ns / 1000;
}

struct pack *pack_new(const struct pack_options *options)
{
	struct pack *p = calloc(1, sizeof(*p));

	if (p)
		p->options = *options;
	return p;
}

static void free_lookups(struct pack_launch *l)
{
	if (l->n_lookups > 0)
		free((char *)(uintptr_t)l->lookups[0]);
	free(l->lookups);
	l->lookups = NULL;
	l->n_lookups = 0;
}

void pack_free(struct pack *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_objects; i++)
		free(p->objects[i].path);
	for (size_t i = 0; i < p->n_launches; i++) {
		free(p->launches[i].text);
		free_lookups(&p->launches[i]);
	}
	free(p->objects);
	free(p->table);
	free(p->launches);
	free(p->extents);
	for (size_t i = 0; i < p->n_places; i++)
		free((char *)(uintptr_t)p->places[i].path);
	free(p->places);
	free(p->place_extents);
	free(p->order);
	free(p->bounds);
	free(p->bringer);
	free(p);
}

/* ---- objects by path ---- */

/* Where PATH is, or would go, in the table, which has room. */
static size_t table_place(const struct pack *p, const char *path)
{
	size_t i = hash_string(path) & (p->table_size - 1);

	while (p->table[i] != SHADOW_NONE &&
	       strcmp(p->objects[p->table[i]].path, path) != 0)
		i = (i + 1) & (p->table_size - 1);
	return i;
}

static int grow_table(struct pack *p)
{
	size_t size = p->table_size ? p->table_size * 2 : 1024;
	uint32_t *old = p->table;

	if (p->n_objects * 2 < p->table_size)
		return 0;
	p->table = malloc(size * sizeof(*p->table));
	if (!p->table) {
		p->table = old;
		return -ENOMEM;
	}
	free(old);
	memset(p->table, 0xff, size * sizeof(*p->table)); /* SHADOW_NONE */
	p->table_size = size;
	for (size_t i = 0; i < p->n_objects; i++)
		p->table[table_place(p, p->objects[i].path)] = (uint32_t)i;
	return 0;
}

/* The same file is known with a build-id to one profile and without to another. */
static void learn_buildid(struct pack_object *o, const struct buildid *b)
{
	if (b->n_bytes > o->buildid.n_bytes ||
	    (b->n_bytes == o->buildid.n_bytes &&
	     memcmp(b->bytes, o->buildid.bytes, sizeof(b->bytes)) > 0))
		o->buildid = *b;
}

static bool is_newer(const struct identity *a, const struct identity *b)
{
	if (a->ctime_ns != b->ctime_ns)
		return a->ctime_ns > b->ctime_ns;
	if (a->mtime_ns != b->mtime_ns)
		return a->mtime_ns > b->mtime_ns;
	return a->ino != b->ino ? a->ino > b->ino : a->size_bytes > b->size_bytes;
}

/*
 * Shadows that disagree about a file were made at different times: the younger file is the
 * one that is there. (A file put in place gets a new ctime.)
 */
static void outdate(struct pack *p, uint32_t first, uint32_t added)
{
	for (uint32_t i = first; i != SHADOW_NONE; i = p->objects[i].other) {
		struct pack_object *o = &p->objects[i], *a = &p->objects[added];

		if (is_newer(&a->identity, &o->identity))
			o->outdated = true;
		else
			a->outdated = true;
	}
}

static int add_object(struct pack *p, const char *path, const struct shadow_object *o,
		      uint32_t *ret)
{
	if (VEC_RESERVE_ONE(p->objects, p->n_objects, p->objects_capacity) < 0)
		return -ENOMEM;
	p->objects[p->n_objects] = (struct pack_object){
		.path = strdup(path),
		.buildid = shadow_object_buildid(o),
		.identity = shadow_object_identity(o),
		.storage = (enum storage_class)o->storage,
		.other = SHADOW_NONE,
	};
	if (!p->objects[p->n_objects].path)
		return -ENOMEM;
	*ret = (uint32_t)p->n_objects++;
	return 0;
}

static int find_object(struct pack *p, const char *path, const struct shadow_object *o,
		       uint32_t *ret)
{
	struct identity identity = shadow_object_identity(o);
	struct buildid buildid = shadow_object_buildid(o);
	uint32_t first, i;
	size_t place;
	int r = grow_table(p);

	if (r < 0)
		return r;
	place = table_place(p, path);
	first = p->table[place];
	for (i = first; i != SHADOW_NONE; i = p->objects[i].other)
		if (identity_equal(&p->objects[i].identity, &identity)) {
			learn_buildid(&p->objects[i], &buildid);
			*ret = i;
			return 0;
		}
	r = add_object(p, path, o, &i);
	if (r < 0)
		return r;
	outdate(p, first, i);
	p->objects[i].other = first;
	p->table[place] = i;
	*ret = i;
	return 0;
}

/* ---- launches ---- */

static int copy_strings(struct pack_launch *l, const struct shadow *s, const char *name)
{
	const struct shadow_launch *from = &s->launches[0];
	const char *strings[] = { shadow_string(s, from->program),
				  shadow_string(s, from->scenario),
				  shadow_string(s, from->arch), name };
	const char **copies[] = { &l->choice.program, &l->choice.scenario, &l->choice.arch,
				  &l->choice.name };
	size_t bytes = 0;
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		bytes += strlen(strings[i]) + 1;
	l->text = end = malloc(bytes);
	if (!end)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		*copies[i] = end;
		end = stpcpy(end, strings[i]) + 1;
	}
	return 0;
}

static int copy_lookups(struct pack_launch *l, const struct shadow *s)
{
	_cleanup_free_ const char **lookups = NULL;
	const char *text;
	uint32_t n;
	size_t bytes;
	char *copy;
	int r = shadow_list_lookups(s, 0, &lookups, &n);

	if (r < 0 || n == 0)
		return r;
	text = lookups[0];
	bytes = (size_t)(lookups[n - 1] - text) + strlen(lookups[n - 1]) + 1;
	copy = malloc(bytes);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, bytes);
	for (uint32_t i = 0; i < n; i++)
		lookups[i] = copy + (lookups[i] - text);
	l->lookups = TAKE_PTR(lookups);
	l->n_lookups = n;
	return 0;
}

static bool has_pages(const struct shadow_object *o)
{
	return le32_get(o->first_extent) != SHADOW_NONE &&
	       le64_get(o->size_bytes) <= LIMIT_FILE_BYTES;
}

/* What one object costs a cold launch, and its reading. */
static void add_costs(struct pack_launch *l, const struct shadow *s,
		      const struct shadow_object *o)
{
	enum storage_class class = (enum storage_class)o->storage;
	uint64_t ahead = 0, n_faults = FAULTS_OF_OPENING, n_requests = 0, n_pages = 0;

	for (uint32_t i = le32_get(o->first_extent); i != SHADOW_NONE;
	     i = le32_get(s->extents[i].next)) {
		const struct shadow_extent *e = &s->extents[i];

		n_faults += pack_count_faults(le32_get(e->first_pgno), le32_get(e->n_pages),
					      &ahead);
		n_pages += le32_get(e->n_pages);
		n_requests++;
	}
	l->choice.saving_us += pack_saving_us(class, n_faults, n_pages);
	l->reading_us += pack_reading_us(class, n_requests, n_pages);
}

static int add_extents(struct pack *p, struct pack_launch *l, const struct shadow *s,
		       const uint32_t *numbers)
{
	for (uint32_t i = 0; i < s->n_extents; i++) {
		const struct shadow_extent *e = &s->extents[i];

		if (numbers[le32_get(e->object)] == SHADOW_NONE)
			continue;
		if (VEC_RESERVE_ONE(p->extents, p->n_extents, p->extents_capacity) < 0)
			return -ENOMEM;
		p->extents[p->n_extents++] = (struct pack_extent){
			.object = numbers[le32_get(e->object)],
			.first_pgno = le32_get(e->first_pgno),
			.n_pages = le32_get(e->n_pages),
			.when = le32_get(e->when),
		};
		l->n_extents++;
	}
	return p->n_extents > UINT32_MAX / 2 ? -E2BIG : 0;
}

/* SHADOW_NONE: the boot does not start PROGRAM. */
static uint32_t find_boot_place(const struct pack *p, const char *program)
{
	const struct boot_programs *b = p->options.boot_programs;

	for (size_t i = 0; b && i < b->n; i++)
		if (strcmp(b->items[i].path, program) == 0)
			return (uint32_t)i;
	return SHADOW_NONE;
}

static int add_files(struct pack *p, struct pack_launch *l, const struct shadow *s)
{
	_cleanup_free_ uint32_t *numbers = calloc(s->n_objects + 1u, sizeof(*numbers));
	int r = numbers ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < s->n_objects; i++) {
		const struct shadow_object *o = &s->objects[i];

		numbers[i] = SHADOW_NONE;
		l->n_files++;
		l->n_usable_files += shadow_object_is_usable(o);
		if (l->choice.boot && shadow_object_is_usable(o))
			l->n_started += find_boot_place(p, shadow_string(s, o->path)) !=
					SHADOW_NONE;
		if (!has_pages(o))
			continue;
		add_costs(l, s, o);
		r = find_object(p, shadow_string(s, o->path), o, &numbers[i]);
	}
	return r == 0 ? add_extents(p, l, s, numbers) : r;
}

static bool is_listed(const struct name_list *list, const char *program)
{
	return list && config_lists(list, program);
}

/*
 * That a boot launches it. What matters is the first launch, the others find it in memory. The
 * share of the boots that were watched and of one that nobody has seen, with as many launches
 * as a day has: while no boot was watched the counts decide, later they tell equals apart.
 */
static uint32_t likelihood(uint64_t count, const struct launch_habit *h)
{
	uint64_t n = MIN(count, COUNT_MOST);
	uint64_t unseen = n * PACK_CERTAIN / (n + COUNT_DAYS);

	return (uint32_t)(((uint64_t)h->n_launched * PACK_CERTAIN + unseen) /
			  (h->n_boots + 1));
}

/*
 * Hope ends where it was disappointed often enough. What was launched long ago and is read
 * ahead for that alone has a weight left, but it is not worth a place among the others'.
 */
static void weigh(const struct pack *p, struct pack_launch *l, uint64_t count)
{
	struct pack_choice *c = &l->choice;
	bool starts = c->boot || l->boot_place != SHADOW_NONE;
	bool hopeless = p->options.counts && !c->always && !starts &&
			launch_counts_is_hopeless(p->options.counts, c->program);

	if (p->options.counts)
		launch_counts_habit(p->options.counts, c->program, &c->habit);
	else
		c->habit.after_ms = LAUNCHES_NEVER;
	c->weight = likelihood(hopeless ? count : count + PRIOR, &c->habit);
	if (hopeless && count < PRIOR)
		c->verdict = PACK_UNUSED;
}

int pack_add(struct pack *p, const struct shadow *s, const char *name, uint64_t count,
	     bool is_there)
{
	struct pack_launch *l;
	int r;

	if (VEC_RESERVE_ONE(p->launches, p->n_launches, p->launches_capacity) < 0)
		return -ENOMEM;
	l = &p->launches[p->n_launches];
	*l = (struct pack_launch){ .first_extent = (uint32_t)p->n_extents,
				   .heap_place = SHADOW_NONE };
	if (copy_strings(l, s, name) < 0)
		return -ENOMEM;
	p->n_launches++;
	if (copy_lookups(l, s) < 0)
		return -ENOMEM;
	l->choice.boot = strcmp(l->choice.scenario, SCENARIO_BOOT) == 0;
	l->choice.always = is_listed(p->options.always, l->choice.program);
	l->boot_place = find_boot_place(p, l->choice.program);
	weigh(p, l, count);
	r = add_files(p, l, s);
	/* Of a recorded boot another program may be process 1 here. */
	if (!is_there && !l->choice.boot)
		l->choice.verdict = PACK_ABSENT;
	if (is_listed(p->options.never, l->choice.program))
		l->choice.verdict = PACK_NEVER;
	return r;
}

static bool is_same_place(const struct object_desc *a, const struct object_desc *b)
{
	return strcmp(a->path, b->path) == 0 && buildid_equal(&a->buildid, &b->buildid) &&
	       a->wanted_bytes == b->wanted_bytes;
}

/* The number of the file system that O is about; a mount point has one, and that came first. */
static int find_place(struct pack *p, const struct shadow *s, const struct shadow_object *o,
		      uint32_t *ret)
{
	struct object_desc d = {
		.path = shadow_string(s, o->path),
		.buildid = shadow_object_buildid(o),
		.wanted_bytes = le64_get(o->wanted_bytes),
		.state = OBJECT_FILESYSTEM,
		.storage = (enum storage_class)o->storage,
		.identity = shadow_object_identity(o),
	};

	for (*ret = 0; *ret < p->n_places; (*ret)++)
		if (strcmp(p->places[*ret].path, d.path) == 0)
			return is_same_place(&p->places[*ret], &d) ? 0 : -ENOENT;
	if (VEC_RESERVE_ONE(p->places, p->n_places, p->places_capacity) < 0)
		return -ENOMEM;
	d.path = strdup(d.path);
	if (!d.path)
		return -ENOMEM;
	p->places[p->n_places++] = d;
	return 0;
}

int pack_add_places(struct pack *p, const struct shadow *places)
{
	struct pack_launch *l = &p->launches[p->n_launches - 1];

	/* What is looked up lies at these places. */
	if (places->n_extents > 0)
		free_lookups(l);
	l->first_place = (uint32_t)p->n_place_extents;
	for (uint32_t i = 0; i < places->n_extents; i++) {
		const struct shadow_extent *e = &places->extents[i];
		uint32_t object;
		int r = find_place(p, places, &places->objects[le32_get(e->object)],
				   &object);

		if (r == -ENOENT)
			continue;
		if (r < 0 || VEC_RESERVE_ONE(p->place_extents, p->n_place_extents,
					     p->place_extents_capacity) < 0)
			return -ENOMEM;
		p->place_extents[p->n_place_extents++] =
			(struct extent_desc){ .object = object,
					      .first_pgno = le32_get(e->first_pgno),
					      .n_pages = le32_get(e->n_pages) };
		l->n_places++;
	}
	return 0;
}
