/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "index.h"
#include "observe.h"
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
	struct compile_index x = { 0 };
	int r = store_read_index(s, &x.data, &x.bytes);

	*ret = (struct compile_index){ 0 };
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return 0; /* none, or none of ours */
	if (shadow_parse(x.data, x.bytes, &x.shadow) < 0 ||
	    x.shadow.kind != SHADOW_KIND_INDEX) {
		free(x.data);
		return 0;
	}
	x.changed = calloc((size_t)x.shadow.n_objects + 1, sizeof(*x.changed));
	if (!x.changed) {
		free(x.data);
		return -ENOMEM;
	}
	compare_objects(&x, facts);
	*ret = x;
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
	uint32_t low = 0, high = x->shadow.n_launches;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct shadow_launch *l = &x->shadow.launches[middle];
		int c = strcmp(name, shadow_string(&x->shadow, l->name));

		if (c == 0)
			return strcmp(shadow_string(&x->shadow, l->arch), parameters) == 0
				       ? l
				       : NULL;
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool index_path_changed(const struct compile_index *x, const char *path)
{
	uint32_t low = 0, high = x->shadow.n_objects;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int c = strcmp(path,
			       shadow_string(&x->shadow, x->shadow.objects[middle].path));

		if (c == 0)
			return x->changed[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return true;
}

int index_add_entry(struct index_builder *b, const char *name, const char *program,
		    const char *scenario, const char *source, const char *target)
{
	struct index_entry *e;

	if (VEC_RESERVE_ONE(b->entries, b->n_entries, b->entries_capacity) < 0)
		return -ENOMEM;
	e = &b->entries[b->n_entries++];
	*e = (struct index_entry){ strdup(name), strdup(program), strdup(scenario),
				   strdup(source), strdup(target) };
	return e->name && e->program && e->scenario && e->source && e->target ? 0 : -ENOMEM;
}

int index_add_file(struct index_builder *b, const struct index_file *f)
{
	struct index_file *copy;

	if (VEC_RESERVE_ONE(b->files, b->n_files, b->files_capacity) < 0)
		return -ENOMEM;
	copy = &b->files[b->n_files++];
	*copy = *f;
	copy->path = strdup(f->path);
	return copy->path ? 0 : -ENOMEM;
}

void index_builder_done(struct index_builder *b)
{
	for (size_t i = 0; i < b->n_entries; i++) {
		struct index_entry *e = &b->entries[i];

		free(e->name);
		free(e->program);
		free(e->scenario);
		free(e->source);
		free(e->target);
	}
	for (size_t i = 0; i < b->n_files; i++)
		free(b->files[i].path);
	free(b->entries);
	free(b->files);
	*b = (struct index_builder){ 0 };
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct index_entry *)a)->name,
		      ((const struct index_entry *)b)->name);
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct index_file *)a)->path,
		      ((const struct index_file *)b)->path);
}

/* A file that was seen in two states changed meanwhile: no identity will ever match this. */
static const struct identity impossible = { .ino = UINT64_MAX, .size_bytes = UINT64_MAX };

/* Sorted, each path once. */
static void sort_files(struct index_builder *b)
{
	size_t n = 0;

	if (b->n_files > 0)
		qsort(b->files, b->n_files, sizeof(b->files[0]), compare_files);
	for (size_t i = 0; i < b->n_files; i++) {
		struct index_file *f = &b->files[i], *last = n ? &b->files[n - 1] : NULL;

		if (!last || strcmp(last->path, f->path) != 0) {
			b->files[n++] = *f;
			continue;
		}
		if (last->state != f->state || last->storage != f->storage ||
		    !identity_equal(&last->identity, &f->identity)) {
			last->state = OBJECT_UNUSABLE;
			last->identity = impossible;
		}
		free(f->path);
	}
	b->n_files = n;
}

static uint32_t file_number(const struct index_builder *b, const char *path)
{
	const struct index_file key = { .path = (char *)(uintptr_t)path };
	const struct index_file *f =
		bsearch(&key, b->files, b->n_files, sizeof(b->files[0]), compare_files);

	return f ? (uint32_t)(f - b->files) : SHADOW_NONE;
}

static void describe(const struct index_builder *b, const char *parameters,
		     struct launch_desc *launches, struct object_desc *objects)
{
	for (size_t i = 0; i < b->n_entries; i++)
		launches[i] = (struct launch_desc){
			.program = b->entries[i].program,
			.scenario = b->entries[i].scenario,
			.arch = parameters,
			.name = b->entries[i].name,
			.source = file_number(b, b->entries[i].source),
			.target = file_number(b, b->entries[i].target),
		};
	for (size_t i = 0; i < b->n_files; i++)
		objects[i] = (struct object_desc){
			.path = b->files[i].path,
			.state = b->files[i].state,
			.storage = b->files[i].storage,
			.identity = b->files[i].identity,
		};
}

int index_write(struct index_builder *b, const char *parameters, uint8_t **ret,
		size_t *ret_bytes)
{
	_cleanup_free_ struct launch_desc *launches =
		calloc(b->n_entries + 1, sizeof(*launches));
	_cleanup_free_ struct object_desc *objects = NULL;

	if (!launches)
		return -ENOMEM;
	sort_files(b);
	if (b->n_entries > 0)
		qsort(b->entries, b->n_entries, sizeof(b->entries[0]), compare_entries);
	objects = calloc(b->n_files + 1, sizeof(*objects));
	if (!objects)
		return -ENOMEM;
	describe(b, parameters, launches, objects);
	return shadow_write(&(struct shadow_desc){ .kind = SHADOW_KIND_INDEX,
						   .launches = launches,
						   .n_launches = (uint32_t)b->n_entries,
						   .objects = objects,
						   .n_objects = (uint32_t)b->n_files },
			    ret, ret_bytes);
}
