/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "compile-shadow.h"
#include "page-select.h"
#include "shadow-write.h"
#include "vec.h"

struct extents {
	struct extent_desc *items;
	size_t n, capacity;
};

static void extents_done(struct extents *e)
{
	free(e->items);
}

bool object_is_build(const struct profile_object *o, const struct file_facts *f)
{
	return buildid_equal(&o->buildid, &f->buildid) && !f->is_other_layout;
}

static enum object_state object_state(const struct profile_object *o,
				      const struct file_facts *f)
{
	if (f->error == -ENOENT || f->error == -ENOTDIR)
		return OBJECT_MISSING;
	if (f->error < 0)
		return OBJECT_UNUSABLE;
	if (o->buildid.n_bytes)
		return object_is_build(o, f) ? OBJECT_VALID : OBJECT_STALE;
	if (o->size_bytes == f->identity.size_bytes)
		return OBJECT_VALID;
	return f->identity.size_bytes <= LIMIT_WHOLE_DATA_BYTES ? OBJECT_WHOLE
								: OBJECT_STALE;
}

static struct object_desc object_desc(const struct profile_object *o,
				      const struct file_facts *f)
{
	struct object_desc d = {
		.path = o->path,
		.buildid = o->buildid,
		.wanted_bytes = o->size_bytes,
		.state = object_state(o, f),
		.storage = f->storage,
		.confidence =
			o->retargeted_from.n_bytes ? (uint8_t)MAX(o->confidence, 1u) : 0,
	};

	/* Unseen by us: nothing to recognise it by, and nothing that may differ by chance. */
	if (d.state == OBJECT_MISSING)
		d.storage = STORAGE_ROTATIONAL;
	else
		d.identity = f->identity;
	/* An empty file has no page to read, and no state in which it would. */
	if (d.state >= OBJECT_VALID && d.identity.size_bytes == 0)
		d.state = OBJECT_STALE;
	return d;
}

static bool is_usable(const struct object_desc *d)
{
	return d->state >= OBJECT_VALID;
}

/*
 * Of several objects of one path, which lie side by side, the file is one: that which it is, or,
 * where it is read whole and would be any of them, the first. Pages would be asked for twice.
 */
static void keep_one_of_each_path(struct object_desc *objects, size_t n)
{
	struct object_desc *kept = NULL;

	for (struct object_desc *d = objects; d < objects + n; d++) {
		if (!is_usable(d))
			continue;
		if (!kept || strcmp(kept->path, d->path) != 0) {
			kept = d;
		} else if (kept->state == OBJECT_WHOLE && d->state == OBJECT_VALID) {
			kept->state = OBJECT_STALE;
			kept = d;
		} else {
			d->state = OBJECT_STALE;
		}
	}
}

/* When the first of PAGES is touched; UINT32_MAX when there is none. */
static uint32_t first_when(const struct pageset *pages)
{
	uint32_t when = UINT32_MAX;

	for (size_t i = 0; i < pages->n_runs; i++)
		when = MIN(when, pages->runs[i].when);
	return when;
}

static uint32_t file_pages(const struct object_desc *d)
{
	return (uint32_t)MIN(DIV_ROUND_UP(d->identity.size_bytes, (uint64_t)PAGE_BYTES),
			     (uint64_t)UINT32_MAX);
}

static int add_extents(struct extents *e, uint32_t object, const struct pageset *pages)
{
	for (size_t i = 0; i < pages->n_runs; i++) {
		const struct page_run *run = &pages->runs[i];

		if (VEC_RESERVE_ONE(e->items, e->n, e->capacity) < 0)
			return -ENOMEM;
		e->items[e->n++] = (struct extent_desc){
			.object = object,
			.first_pgno = run->first_pgno,
			.n_pages = run->n_pages,
			.when = run->when,
		};
	}
	return 0;
}

static int select_object(const struct profile *p, uint32_t i, const struct object_desc *d,
			 struct extents *e)
{
	const struct pageset *trained = &p->objects[i].pages;
	_cleanup_(pageset_done) struct pageset selected = { 0 };
	int r;

	if (d->state == OBJECT_VALID) {
		r = select_pages(trained, p->n_runs, d->storage, file_pages(d), &selected);
	} else if (d->state == OBJECT_WHOLE && trained->n_runs > 0) {
		const struct page_run all = { .n_pages = file_pages(d),
					      .runs = 1,
					      .when = first_when(trained) };

		r = pageset_append(&selected, &all);
	} else {
		return 0;
	}
	return r < 0 ? r : add_extents(e, i, &selected);
}

/* ---- lookups ---- */

/*
 * A name that is looked up in vain costs a page of metadata beside others; one that is not looked
 * up when it is needed a request, in the way of the launch.
 */
#define LOOKUP_SHARE 4u /* of the runs that tell: one in so many at least */

static bool is_likely(const struct profile *p, uint32_t runs)
{
	return runs > 0 && (uint64_t)runs * LOOKUP_SHARE >= profile_runs_with_lookups(p);
}

static uint32_t select_dir(const struct profile *p, const struct lookup_dir *d,
			   const char **ret)
{
	uint32_t n = 0;

	ret[n++] = d->path;
	if (is_likely(p, d->listed))
		ret[n++] = SHADOW_LISTED;
	for (size_t i = 0; i < d->n; i++)
		if (is_likely(p, d->names[i].runs))
			ret[n++] = d->names[i].name;
	return n > 1 ? n : 0;
}

/* New array of borrowed strings. */
static int select_lookups(const struct profile *p, const char ***ret, uint32_t *ret_n)
{
	const struct lookups *l = &p->lookups;
	size_t room = 2 * l->n + lookups_count(l);
	const char **strings = calloc(MAX(room, 1u), sizeof(*strings));

	if (!strings)
		return -ENOMEM;
	*ret_n = 0;
	for (size_t i = 0; i < l->n; i++)
		*ret_n += select_dir(p, &l->dirs[i], strings + *ret_n);
	*ret = strings;
	return 0;
}

int compile_profile(const struct profile *p, const char *program,
		    const struct file_facts *facts, uint8_t **ret, size_t *ret_bytes)
{
	_cleanup_(extents_done) struct extents e = { 0 };
	_cleanup_free_ struct object_desc *objects = NULL;
	_cleanup_free_ const char **lookups = NULL;
	struct launch_desc launch = {
		.program = program,
		.scenario = p->scenario,
		.arch = p->arch,
		.name = strcmp(program, p->program) == 0 ? "" : p->program,
		.source = SHADOW_NONE,
		.target = SHADOW_NONE,
	};
	int r = 0;

	objects = calloc(MAX(p->n_objects, 1u), sizeof(*objects));
	if (!objects)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->n_objects; i++)
		objects[i] = object_desc(&p->objects[i], &facts[i]);
	keep_one_of_each_path(objects, p->n_objects);
	for (uint32_t i = 0; i < p->n_objects; i++) {
		r = select_object(p, i, &objects[i], &e);
		if (r < 0)
			return r;
	}
	if (e.n > 0)
		qsort(e.items, e.n, sizeof(e.items[0]), extent_desc_compare);
	launch.n_extents = (uint32_t)e.n;
	r = select_lookups(p, &lookups, &launch.n_lookups);
	if (r < 0)
		return r;
	launch.lookups = lookups;
	return shadow_write(&(struct shadow_desc){ .kind = SHADOW_KIND_SHADOW,
						   .launches = &launch,
						   .n_launches = 1,
						   .objects = objects,
						   .n_objects = (uint32_t)p->n_objects,
						   .extents = e.items,
						   .n_extents = (uint32_t)e.n },
			    ret, ret_bytes);
}

static int compare_by_position(const void *pa, const void *pb)
{
	const struct extent_desc *a = pa, *b = pb;

	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	return a->first_pgno < b->first_pgno ? -1 : 1;
}

/* The extents by object and position, so that each object's pages can be appended. */
static int sorted_extents(const struct shadow *s, struct extent_desc **ret)
{
	struct extent_desc *e = calloc(MAX(s->n_extents, 1u), sizeof(*e));

	if (!e)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_extents; i++)
		e[i] = (struct extent_desc){
			.object = le32_get(s->extents[i].object),
			.first_pgno = le32_get(s->extents[i].first_pgno),
			.n_pages = le32_get(s->extents[i].n_pages),
			.when = le32_get(s->extents[i].when),
		};
	qsort(e, s->n_extents, sizeof(*e), compare_by_position);
	*ret = e;
	return 0;
}

static int dump_object(const struct shadow *s, const struct shadow_object *o,
		       struct profile_object *ret)
{
	ret->path = strdup(shadow_string(s, o->path));
	ret->buildid = shadow_object_buildid(o);
	ret->size_bytes = le64_get(o->wanted_bytes);
	if (o->confidence) { /* from which build, a shadow does not know */
		ret->retargeted_from = ret->buildid;
		ret->confidence = o->confidence;
	}
	return ret->path ? 0 : -ENOMEM;
}

/*
 * Pages of one object, as a profile may name them: within the trained size. A file read
 * whole may be longer than that now; its first page stands for it then.
 */
static int dump_extent(const struct extent_desc *e, struct profile_object *ret)
{
	uint64_t limit = DIV_ROUND_UP(ret->size_bytes, (uint64_t)PAGE_BYTES);
	struct page_run run = { e->first_pgno, e->n_pages, 1, e->when };

	if (run.first_pgno >= limit)
		return 0;
	run.n_pages = (uint32_t)MIN(run.n_pages, limit - run.first_pgno);
	return pageset_append(&ret->pages, &run);
}

/* The shortest window that has seen all of it. */
static uint32_t window_ms(const struct shadow *s)
{
	uint32_t when = 0;

	for (uint32_t i = 0; i < s->n_extents; i++)
		when = MAX(when, le32_get(s->extents[i].when));
	return (uint32_t)MIN(DIV_ROUND_UP(when_end_us(when), 1000),
			     (uint64_t)LIMIT_WINDOW_MS);
}

static int dump_head(const struct shadow *s, struct profile *p)
{
	const struct shadow_launch *l = &s->launches[0];

	p->program = strdup(shadow_launched_as(s));
	p->scenario = strdup(shadow_string(s, l->scenario));
	p->arch = strdup(shadow_string(s, l->arch));
	p->method = strdup("dump");
	p->kernel = strdup("unknown");
	p->n_runs = 1;
	p->window_ms = window_ms(s);
	return p->program && p->scenario && p->arch && p->method && p->kernel ? 0 : -ENOMEM;
}

static int dump_lookups(const struct shadow *s, struct lookups *ret)
{
	struct shadow_lookups l = shadow_lookups(s);
	struct lookup_dir *d = NULL;
	const char *name, *dir = NULL;

	while ((name = shadow_lookups_next(&l))) {
		bool listed = strcmp(name, SHADOW_LISTED) == 0;

		if (l.dir != dir)
			d = lookups_add_dir(ret, l.dir, strlen(l.dir), listed);
		if (!d || (!listed && lookup_dir_add(d, name, strlen(name), 1) < 0))
			return -ENOMEM;
		dir = l.dir;
	}
	return 0;
}

int compile_dump(const struct shadow *s, struct profile **ret)
{
	_cleanup_(profile_freep) struct profile *p = profile_new();
	_cleanup_free_ struct extent_desc *extents = NULL;
	uint32_t next = 0;
	int r;

	if (!p)
		return -ENOMEM;
	r = dump_head(s, p);
	if (r == 0)
		r = sorted_extents(s, &extents);
	for (uint32_t i = 0; r == 0 && i < s->n_objects; i++) {
		struct profile_object *o = profile_add_object(p);

		r = o ? dump_object(s, &s->objects[i], o) : -ENOMEM;
		for (; r == 0 && next < s->n_extents && extents[next].object == i; next++)
			r = dump_extent(&extents[next], o);
	}
	if (r == 0)
		r = dump_lookups(s, &p->lookups);
	if (r < 0)
		return r;
	profile_sort(p);
	*ret = TAKE_PTR(p);
	return 0;
}
