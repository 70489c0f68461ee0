/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index is written as two sorted lists merged: what was kept of the old one, whose strings
 * and numbers are reused, and the entries of this compile. Objects are in path order, each
 * path once; launches are in the order of their names. Who may keep an entry is decided
 * by the caller. A missing or damaged index is an empty one.
 */
#include <errno.h>
#include <string.h>

#include "compile-index.h"
#include "observe.h"
#include "search.h"
#include "shadow-write.h"
#include "vec.h"

static void compare_objects(struct compile_index *x, const struct facts_context *facts)
{
	_cleanup_(observer_done) struct observer o;

	observer_init(&o, facts);
	for (uint32_t i = 0; i < x->shadow.n_objects; i++) {
		x->changed[i] =
			!observer_is_unchanged(&o, &x->shadow, &x->shadow.objects[i]);
		x->any_changed |= x->changed[i];
	}
}

int index_load(const struct store *s, const struct facts_context *facts,
	       struct compile_index *ret)
{
	struct shadow_buffer file;
	int r = store_load(s, STORE_INDEX, NULL, &file);

	*ret = (struct compile_index){ 0 };
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* none, or none of ours */
	ret->data = file.data;
	ret->bytes = file.bytes;
	ret->shadow = file.shadow;
	ret->changed = calloc((size_t)file.shadow.n_objects + 1, sizeof(*ret->changed));
	if (!ret->changed)
		return -ENOMEM;
	compare_objects(ret, facts);
	return 0;
}

void index_done(struct compile_index *x)
{
	free(x->data);
	free(x->changed);
	*x = (struct compile_index){ 0 };
}

const struct shadow_launch *index_find(const struct compile_index *x, const char *name,
				       const char *parameters)
{
	const struct shadow *s = &x->shadow;
	size_t at = SEARCH_FIRST(i, s->n_launches,
				 strcmp(shadow_string(s, s->launches[i].name), name) < 0);
	const struct shadow_launch *l = at < s->n_launches ? &s->launches[at] : NULL;

	if (!l || strcmp(shadow_string(s, l->name), name) != 0 ||
	    strcmp(shadow_string(s, l->arch), parameters) != 0)
		return NULL;
	return l;
}

static uint32_t dependency(const struct shadow *s, const struct shadow_launch *l,
			   uint32_t i)
{
	return le32_get(s->extents[le32_get(l->first_extent) + i].object);
}

static const char *object_path(const struct compile_index *x, uint32_t object)
{
	return shadow_string(&x->shadow, x->shadow.objects[object].path);
}

const char *index_changed(const struct compile_index *x, const struct shadow_launch *l)
{
	if (x->changed[le32_get(l->source)])
		return object_path(x, le32_get(l->source));
	if (x->changed[le32_get(l->target)])
		return object_path(x, le32_get(l->target));
	for (uint32_t i = 0; i < le32_get(l->n_extents); i++)
		if (x->changed[dependency(&x->shadow, l, i)])
			return object_path(x, dependency(&x->shadow, l, i));
	return NULL;
}

bool index_has(const struct compile_index *x, const char *path)
{
	uint32_t n = x->shadow.n_objects;
	uint32_t at =
		(uint32_t)SEARCH_FIRST(i, n, strcmp(object_path(x, (uint32_t)i), path) < 0);

	return at < n && strcmp(object_path(x, at), path) == 0;
}

const char *index_source(const struct compile_index *x, const struct shadow_launch *l)
{
	return object_path(x, le32_get(l->source));
}

const char *index_target(const struct compile_index *x, const struct shadow_launch *l)
{
	return object_path(x, le32_get(l->target));
}

/* ---- the next one ---- */

struct index_entry {
	const struct shadow_launch *kept; /* of the old index; else the rest */
	char *name, *program, *scenario;
	size_t first_file, n_files; /* source, target, and what it depends on */
};

static struct index_entry *add_entry(struct index_builder *b)
{
	if (VEC_RESERVE_ONE(b->entries, b->n_entries, b->entries_capacity) < 0)
		return NULL;
	b->entries[b->n_entries] = (struct index_entry){ .first_file = b->n_files };
	return &b->entries[b->n_entries++];
}

int index_keep(struct index_builder *b, const struct shadow_launch *l)
{
	struct index_entry *e = add_entry(b);

	if (!e)
		return -ENOMEM;
	e->kept = l;
	return 0;
}

int index_add_entry(struct index_builder *b, const char *name, const char *program,
		    const char *scenario, const struct index_file *source,
		    const struct index_file *target)
{
	struct index_entry *e = add_entry(b);
	int r;

	if (!e)
		return -ENOMEM;
	e->name = strdup(name);
	e->program = strdup(program);
	e->scenario = strdup(scenario);
	if (!e->name || !e->program || !e->scenario)
		return -ENOMEM;
	r = index_add_file(b, source);
	return r < 0 ? r : index_add_file(b, target);
}

int index_add_common_file(struct index_builder *b, const struct index_file *f)
{
	struct index_file *copy;

	if (VEC_RESERVE_ONE(b->files, b->n_files, b->files_capacity) < 0)
		return -ENOMEM;
	copy = &b->files[b->n_files];
	*copy = *f;
	copy->path = strdup(f->path);
	if (!copy->path)
		return -ENOMEM;
	b->n_files++;
	return 0;
}

int index_add_file(struct index_builder *b, const struct index_file *f)
{
	int r = index_add_common_file(b, f);

	if (r == 0)
		b->entries[b->n_entries - 1].n_files++;
	return r;
}

void index_builder_done(struct index_builder *b)
{
	for (size_t i = 0; i < b->n_entries; i++) {
		free(b->entries[i].name);
		free(b->entries[i].program);
		free(b->entries[i].scenario);
	}
	for (size_t i = 0; i < b->n_files; i++)
		free(b->files[i].path);
	free(b->entries);
	free(b->files);
	*b = (struct index_builder){ 0 };
}

/*
 * What is written: files sorted, each path once. The old ones that are kept are sorted
 * already; only the new ones, which are few, are compared as strings.
 */
struct index_image {
	const struct index_builder *b;
	struct launch_desc *launches;
	struct object_desc *objects;
	struct extent_desc *extents;
	uint32_t n_objects, n_extents;
	uint32_t *
		old_number; /* per object of the old index: SHADOW_NONE, or its object here */
	uint32_t *new_number; /* per file of the builder */
	uint32_t *order;      /* files of the builder, by path */
};

static void image_done(struct index_image *m)
{
	free(m->launches);
	free(m->objects);
	free(m->extents);
	free(m->old_number);
	free(m->new_number);
	free(m->order);
}

static uint32_t count_old(const struct index_builder *b)
{
	return b->old ? b->old->shadow.n_objects : 0;
}

static int image_init(struct index_image *m)
{
	const struct index_builder *b = m->b;
	size_t n_extents = b->n_files;

	for (size_t i = 0; i < b->n_entries; i++)
		if (b->entries[i].kept)
			n_extents += le32_get(b->entries[i].kept->n_extents);
	if (n_extents > UINT32_MAX || b->n_files + count_old(b) > UINT32_MAX)
		return -E2BIG;
	m->launches = calloc(b->n_entries + 1, sizeof(*m->launches));
	m->objects = calloc(b->n_files + count_old(b) + 1, sizeof(*m->objects));
	m->extents = calloc(n_extents + 1, sizeof(*m->extents));
	m->old_number = calloc(count_old(b) + 1u, sizeof(*m->old_number));
	m->new_number = calloc(b->n_files + 1, sizeof(*m->new_number));
	m->order = calloc(b->n_files + 1, sizeof(*m->order));
	return m->launches && m->objects && m->extents && m->old_number && m->new_number &&
			       m->order
		       ? 0
		       : -ENOMEM;
}

/* Marks what is kept: 0 in old_number, all others SHADOW_NONE. */
static void mark_kept(struct index_image *m)
{
	const struct index_builder *b = m->b;

	for (uint32_t i = 0; i < count_old(b); i++)
		m->old_number[i] = SHADOW_NONE;
	for (size_t i = 0; i < b->n_entries; i++) {
		const struct shadow_launch *l = b->entries[i].kept;

		if (!l)
			continue;
		m->old_number[le32_get(l->source)] = 0;
		m->old_number[le32_get(l->target)] = 0;
		for (uint32_t k = 0; k < le32_get(l->n_extents); k++)
			m->old_number[dependency(&b->old->shadow, l, k)] = 0;
	}
}

static int compare_files(const void *pa, const void *pb, void *files)
{
	const struct index_file *f = files;

	return strcmp(f[*(const uint32_t *)pa].path, f[*(const uint32_t *)pb].path);
}

static void sort_files(struct index_image *m)
{
	for (size_t i = 0; i < m->b->n_files; i++)
		m->order[i] = (uint32_t)i;
	qsort_r(m->order, m->b->n_files, sizeof(*m->order), compare_files, m->b->files);
}

/* A file that was seen in two states changed meanwhile: no identity will ever match this. */
static const struct identity impossible = { .ino = UINT64_MAX, .size_bytes = UINT64_MAX };

/* Add the object, in path order, unless it is the last one again; returns its number. */
static uint32_t put_object(struct index_image *m, const struct object_desc *o)
{
	struct object_desc *last = m->n_objects ? &m->objects[m->n_objects - 1] : NULL;

	if (!last || strcmp(last->path, o->path) != 0) {
		m->objects[m->n_objects] = *o;
		return m->n_objects++;
	}
	if (last->state != o->state || last->storage != o->storage ||
	    !identity_equal(&last->identity, &o->identity)) {
		last->state = OBJECT_UNUSABLE;
		last->identity = impossible;
	}
	return m->n_objects - 1;
}

static struct object_desc describe_old(const struct compile_index *x, uint32_t i)
{
	const struct shadow_object *o = &x->shadow.objects[i];

	return (struct object_desc){
		.path = object_path(x, i),
		.state = (enum object_state)o->state,
		.storage = (enum storage_class)o->storage,
		.identity = shadow_object_identity(o),
	};
}

static struct object_desc describe_new(const struct index_file *f)
{
	return (struct object_desc){
		.path = f->path,
		.state = f->state,
		.storage = f->storage,
		.identity = f->identity,
	};
}

/* The two sorted lists to one. */
static void merge_objects(struct index_image *m)
{
	const struct index_builder *b = m->b;
	uint32_t old = 0, n_old = count_old(b);
	size_t new = 0;

	while (old < n_old || new < b->n_files) {
		const struct index_file *f =
			new < b->n_files ? &b->files[m->order[new]] : NULL;
		struct object_desc o;

		if (old < n_old && m->old_number[old] == SHADOW_NONE) {
			old++;
			continue;
		}
		if (old < n_old && (!f || strcmp(object_path(b->old, old), f->path) <= 0)) {
			o = describe_old(b->old, old);
			m->old_number[old++] = put_object(m, &o);
		} else {
			o = describe_new(f);
			m->new_number[m->order[new ++]] = put_object(m, &o);
		}
	}
}

static int compare_numbers(const void *pa, const void *pb)
{
	const struct extent_desc *a = pa, *b = pb;

	return a->object < b->object ? -1 : a->object > b->object;
}

/* Each object of a launch once: a profile may name several builds of one path. */
static uint32_t put_dependencies(struct index_image *m, const struct index_entry *e)
{
	struct extent_desc *own = &m->extents[m->n_extents];
	uint32_t n = 0;

	for (size_t i = 2; i < e->n_files; i++)
		own[i - 2].object = m->new_number[e->first_file + i];
	if (e->n_files > 2)
		qsort(own, e->n_files - 2, sizeof(*own), compare_numbers);
	for (size_t i = 2; i < e->n_files; i++)
		if (n == 0 || own[n - 1].object != own[i - 2].object)
			own[n++].object = own[i - 2].object;
	return n;
}

/* Old numbers ascend, and so do those that they become. */
static uint32_t keep_dependencies(struct index_image *m, const struct shadow_launch *l)
{
	for (uint32_t i = 0; i < le32_get(l->n_extents); i++)
		m->extents[m->n_extents + i].object =
			m->old_number[dependency(&m->b->old->shadow, l, i)];
	return le32_get(l->n_extents);
}

static void put_launch(struct index_image *m, const struct index_entry *e,
		       struct launch_desc *ret)
{
	const struct shadow_launch *l = e->kept;
	const struct shadow *s = l ? &m->b->old->shadow : NULL;

	*ret = (struct launch_desc){
		.program = l ? shadow_string(s, l->program) : e->program,
		.scenario = l ? shadow_string(s, l->scenario) : e->scenario,
		.name = l ? shadow_string(s, l->name) : e->name,
		.source = l ? m->old_number[le32_get(l->source)]
			    : m->new_number[e->first_file],
		.target = l ? m->old_number[le32_get(l->target)]
			    : m->new_number[e->first_file + 1],
		.first_extent = m->n_extents,
		.n_extents = l ? keep_dependencies(m, l) : put_dependencies(m, e),
	};
	m->n_extents += ret->n_extents;
}

static int compare_entries(const void *pa, const void *pb, void *old)
{
	const struct index_entry *a = pa, *b = pb;
	const struct compile_index *x = old;

	return strcmp(a->kept ? shadow_string(&x->shadow, a->kept->name) : a->name,
		      b->kept ? shadow_string(&x->shadow, b->kept->name) : b->name);
}

int index_write(struct index_builder *b, const char *parameters, uint8_t **ret,
		size_t *ret_bytes)
{
	_cleanup_(image_done) struct index_image m = { .b = b };
	int r = image_init(&m);

	if (r < 0)
		return r;
	mark_kept(&m);
	if (b->n_files > 0)
		sort_files(&m);
	merge_objects(&m);
	if (b->n_entries > 0)
		qsort_r(b->entries, b->n_entries, sizeof(b->entries[0]), compare_entries,
			(void *)(uintptr_t)b->old);
	for (size_t i = 0; i < b->n_entries; i++) {
		put_launch(&m, &b->entries[i], &m.launches[i]);
		m.launches[i].arch = parameters;
	}
	return shadow_write(&(struct shadow_desc){ .kind = SHADOW_KIND_INDEX,
						   .launches = m.launches,
						   .n_launches = (uint32_t)b->n_entries,
						   .objects = m.objects,
						   .n_objects = m.n_objects,
						   .extents = m.extents,
						   .n_extents = m.n_extents },
			    ret, ret_bytes);
}
