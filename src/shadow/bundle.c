/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "macro.h"
#include "search.h"
#include "shadow-write.h"

static const char *program_of(const struct shadow *b, size_t launch)
{
	return shadow_string(b, b->launches[launch].program);
}

uint32_t bundle_find(const struct shadow *b, const char *program, uint32_t *ret_first)
{
	size_t first =
		SEARCH_FIRST(i, b->n_launches, strcmp(program_of(b, i), program) < 0);
	size_t end = first;

	while (end < b->n_launches && strcmp(program_of(b, end), program) == 0)
		end++;
	*ret_first = (uint32_t)first;
	return (uint32_t)(end - first);
}

/* What becomes of one launch. */
struct taken {
	uint32_t *numbers; /* of its objects in the bundle, ascending */
	struct object_desc *objects;
	struct extent_desc *extents;
	uint32_t n_objects, n_extents;
};

static void taken_done(struct taken *t)
{
	free(t->numbers);
	free(t->objects);
	free(t->extents);
}

static int compare_numbers(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return a < b ? -1 : a > b;
}

/* A bundle's objects are sorted as a shadow's are, and so are some of them. */
static void number_objects(struct taken *t, const struct shadow_extent *e)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_extents; i++)
		t->numbers[i] = le32_get(e[i].object);
	qsort(t->numbers, t->n_extents, sizeof(*t->numbers), compare_numbers);
	for (uint32_t i = 0; i < t->n_extents; i++)
		if (n == 0 || t->numbers[n - 1] != t->numbers[i])
			t->numbers[n++] = t->numbers[i];
	t->n_objects = n;
}

static struct object_desc describe_object(const struct shadow *b,
					  const struct shadow_object *o)
{
	return (struct object_desc){
		.path = shadow_string(b, o->path),
		.buildid = shadow_object_buildid(o),
		.wanted_bytes = le64_get(o->wanted_bytes),
		.state = (enum object_state)o->state,
		.storage = (enum storage_class)o->storage,
		.identity = shadow_object_identity(o),
	};
}

static void describe(struct taken *t, const struct shadow *b, const struct shadow_extent *e)
{
	for (uint32_t i = 0; i < t->n_objects; i++)
		t->objects[i] = describe_object(b, &b->objects[t->numbers[i]]);
	for (uint32_t i = 0; i < t->n_extents; i++) {
		uint32_t object = le32_get(e[i].object);

		t->extents[i] = (struct extent_desc){
			.object = (uint32_t)SEARCH_FIRST(k, t->n_objects,
							 t->numbers[k] < object),
			.first_pgno = le32_get(e[i].first_pgno),
			.n_pages = le32_get(e[i].n_pages),
			.when = le32_get(e[i].when),
		};
	}
}

/* The extents of launch L that are of file systems, or those that are not. -ENOMEM. */
static int take(const struct shadow *b, const struct shadow_launch *l, bool places,
		struct taken *t)
{
	const struct shadow_extent *e = b->extents + le32_get(l->first_extent);
	uint32_t n = le32_get(l->n_extents);
	_cleanup_free_ struct shadow_extent *kept = calloc(n + 1u, sizeof(*kept));

	t->numbers = calloc(n + 1u, sizeof(*t->numbers));
	t->objects = calloc(n + 1u, sizeof(*t->objects));
	t->extents = calloc(n + 1u, sizeof(*t->extents));
	if (!kept || !t->numbers || !t->objects || !t->extents)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		if ((b->objects[le32_get(e[i].object)].state == OBJECT_FILESYSTEM) ==
		    places)
			kept[t->n_extents++] = e[i];
	number_objects(t, kept);
	describe(t, b, kept);
	return 0;
}

/* As behind a shadow, where their file systems are objects like others, and nothing is eager. */
static int take_places(const struct shadow *b, const struct shadow_launch *l, uint8_t **ret,
		       size_t *ret_bytes)
{
	_cleanup_(taken_done) struct taken t = { 0 };
	int r = take(b, l, true, &t);

	*ret = NULL;
	*ret_bytes = 0;
	if (r < 0 || t.n_extents == 0)
		return r;
	for (uint32_t i = 0; i < t.n_objects; i++)
		t.objects[i].state = OBJECT_VALID;
	for (uint32_t i = 0; i < t.n_extents; i++)
		t.extents[i].when = 1;
	return shadow_write(&(struct shadow_desc){ .kind = SHADOW_KIND_PLACES,
						   .objects = t.objects,
						   .n_objects = t.n_objects,
						   .extents = t.extents,
						   .n_extents = t.n_extents },
			    ret, ret_bytes);
}

/* T, of launch NUMBER of B, as a shadow of PROGRAM. */
static int write_taken(const struct taken *t, const struct shadow *b, uint32_t number,
		       const char *program, uint8_t **ret, size_t *ret_bytes)
{
	const struct shadow_launch *l = &b->launches[number];
	_cleanup_free_ const char **lookups = NULL;
	struct launch_desc launch = {
		.program = program,
		.scenario = shadow_string(b, l->scenario),
		.arch = shadow_string(b, l->arch),
		.name = "",
		.source = SHADOW_NONE,
		.target = SHADOW_NONE,
		.n_extents = t->n_extents,
	};
	int r = shadow_list_lookups(b, number, &lookups, &launch.n_lookups);

	if (r < 0)
		return r;
	launch.lookups = lookups;
	return shadow_write(&(struct shadow_desc){ .kind = SHADOW_KIND_SHADOW,
						   .launches = &launch,
						   .n_launches = 1,
						   .objects = t->objects,
						   .n_objects = t->n_objects,
						   .extents = t->extents,
						   .n_extents = t->n_extents },
			    ret, ret_bytes);
}

static int take_shadow(const struct shadow *b, uint32_t number, uint8_t **ret,
		       size_t *ret_bytes)
{
	const struct shadow_launch *l = &b->launches[number];
	_cleanup_(taken_done) struct taken t = { 0 };
	int r = take(b, l, false, &t);

	return r < 0 ? r
		     : write_taken(&t, b, number, shadow_string(b, l->program), ret,
				   ret_bytes);
}

int bundle_take(const struct shadow *b, uint32_t launch, struct shadow_buffer *ret)
{
	const struct shadow_launch *l = &b->launches[launch];
	_cleanup_free_ uint8_t *shadow = NULL, *places = NULL;
	size_t bytes, places_bytes;
	uint8_t *both;
	int r = take_shadow(b, launch, &shadow, &bytes);

	if (r == 0)
		r = take_places(b, l, &places, &places_bytes);
	if (r < 0)
		return r;
	both = realloc(shadow, bytes + places_bytes);
	if (!both)
		return -ENOMEM;
	TAKE_PTR(shadow);
	if (places)
		memcpy(both + bytes, places, places_bytes);
	return shadow_buffer_parse(both, bytes + places_bytes, SHADOW_KIND_SHADOW, ret);
}

/* ---- what a program brings along ---- */

/* Object FROM goes to where its path sorts, and the others make room. */
static void move_object(struct taken *t, uint32_t from, const char *path)
{
	struct object_desc moved = t->objects[from];
	uint32_t to = 0;

	moved.path = path;
	for (uint32_t i = 0; i < t->n_objects; i++)
		to += i != from && strcmp(t->objects[i].path, path) < 0;
	memmove(&t->objects[from], &t->objects[from + 1],
		(t->n_objects - from - 1) * sizeof(moved));
	memmove(&t->objects[to + 1], &t->objects[to],
		(t->n_objects - to - 1) * sizeof(moved));
	t->objects[to] = moved;
	for (uint32_t i = 0; i < t->n_extents; i++) {
		uint32_t *o = &t->extents[i].object;

		if (*o == from) {
			*o = to;
			continue;
		}
		*o -= *o > from;
		*o += *o >= to;
	}
	if (t->n_extents > 0)
		qsort(t->extents, t->n_extents, sizeof(*t->extents), extent_desc_compare);
}

int shadow_take_brought(const struct shadow *s, const char *path,
			enum storage_class storage, struct shadow_buffer *ret)
{
	_cleanup_(taken_done) struct taken t = { 0 };
	const char *program = shadow_string(s, s->launches[0].program);
	uint8_t *data;
	size_t bytes;
	int r = take(s, &s->launches[0], false, &t);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < t.n_objects; i++)
		t.objects[i].storage = storage;
	for (uint32_t i = 0; i < t.n_objects; i++)
		if (strcmp(t.objects[i].path, program) == 0) {
			move_object(&t, i, path);
			break;
		}
	r = write_taken(&t, s, 0, path, &data, &bytes);
	return r < 0 ? r : shadow_buffer_parse(data, bytes, SHADOW_KIND_SHADOW, ret);
}
