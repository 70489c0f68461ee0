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

int bundle_take(const struct shadow *b, uint32_t launch, struct shadow_buffer *ret)
{
	const struct shadow_launch *l = &b->launches[launch];
	const struct shadow_extent *e = b->extents + le32_get(l->first_extent);
	uint32_t n = le32_get(l->n_extents);
	_cleanup_(taken_done) struct taken t = {
		.numbers = calloc(n + 1u, sizeof(*t.numbers)),
		.objects = calloc(n + 1u, sizeof(*t.objects)),
		.extents = calloc(n + 1u, sizeof(*t.extents)),
		.n_extents = n,
	};
	const struct launch_desc launch_desc = {
		.program = shadow_string(b, l->program),
		.scenario = shadow_string(b, l->scenario),
		.arch = shadow_string(b, l->arch),
		.name = "",
		.source = SHADOW_NONE,
		.target = SHADOW_NONE,
		.n_extents = n,
	};
	uint8_t *data;
	size_t bytes;
	int r;

	if (!t.numbers || !t.objects || !t.extents)
		return -ENOMEM;
	number_objects(&t, e);
	describe(&t, b, e);
	r = shadow_write(&(struct shadow_desc){ .kind = SHADOW_KIND_SHADOW,
						.launches = &launch_desc,
						.n_launches = 1,
						.objects = t.objects,
						.n_objects = t.n_objects,
						.extents = t.extents,
						.n_extents = n },
			 &data, &bytes);
	return r < 0 ? r : shadow_buffer_parse(data, bytes, SHADOW_KIND_SHADOW, ret);
}
