/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All launches of the machine, for who reads at the moment of exec, as bytes. */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "pack-private.h"
#include "shadow-write.h"

struct bundle {
	const struct pack *p;
	const struct pack_launch **launches; /* that are in it */
	struct launch_desc *launch_descs;
	struct object_desc *objects;
	struct extent_desc *extents;
	uint32_t *by_path; /* those that are in it, by their place in number */
	/* Per object of the pack, and then per file system: its place in objects, or SHADOW_NONE. */
	uint32_t *number;
	uint32_t n_launches, n_objects, n_extents;
	size_t bytes;
};

static void bundle_done(struct bundle *b)
{
	free(b->launches);
	free(b->launch_descs);
	free(b->objects);
	free(b->extents);
	free(b->by_path);
	free(b->number);
}

/* What the boot does not read may still be launched; a recorded boot is no launch. */
static bool is_wanted(const struct pack_launch *l)
{
	enum pack_verdict v = l->choice.verdict;

	return l->n_extents > 0 && v != PACK_NEVER && v != PACK_STALE &&
	       v != PACK_OTHER_SCENARIO && strcmp(l->choice.scenario, SCENARIO_BOOT) != 0;
}

static struct object_desc describe_object(const struct bundle *b, uint32_t object)
{
	return object < b->p->n_objects ? pack_describe_object(&b->p->objects[object])
					: b->p->places[object - b->p->n_objects];
}

/* Bytes of one extent of OBJECT, with OBJECT itself where it is new, which is marked. */
static size_t mark_extent(struct bundle *b, uint32_t object)
{
	if (b->number[object] != SHADOW_NONE)
		return sizeof(struct shadow_extent);
	b->number[object] = 0;
	b->by_path[b->n_objects++] = object;
	return sizeof(struct shadow_extent) + sizeof(struct shadow_object) +
	       strlen(describe_object(b, object).path) + 1;
}

/* Bytes that L adds; its objects are marked. */
static size_t mark_launch(struct bundle *b, const struct pack_launch *l)
{
	const struct pack_choice *c = &l->choice;
	size_t bytes = sizeof(struct shadow_launch) + strlen(c->program) +
		       strlen(c->scenario) + strlen(c->arch) + strlen(c->name) + 4;

	for (uint32_t k = 0; k < l->n_extents; k++)
		bytes += mark_extent(b, b->p->extents[l->first_extent + k].object);
	for (uint32_t k = 0; k < l->n_places; k++)
		bytes += mark_extent(
			b, (uint32_t)b->p->n_objects +
				   b->p->place_extents[l->first_place + k].object);
	for (uint32_t k = 0; k < l->n_lookups; k++)
		bytes += strlen(l->lookups[k]) + 1;
	return bytes;
}

/* The likeliest first; equals in the order of names, which they are in. */
static int compare_weights(const void *pa, const void *pb)
{
	const struct pack_launch *a = *(const struct pack_launch *const *)pa;
	const struct pack_launch *b = *(const struct pack_launch *const *)pb;

	if (a->choice.always != b->choice.always)
		return a->choice.always ? -1 : 1;
	if (a->choice.weight != b->choice.weight)
		return a->choice.weight > b->choice.weight ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Those that are wanted, as long as there is room. */
static void choose(struct bundle *b)
{
	uint32_t n_wanted = 0;

	for (size_t i = 0; i < b->p->n_launches; i++)
		if (is_wanted(&b->p->launches[i]))
			b->launches[n_wanted++] = &b->p->launches[i];
	qsort(b->launches, n_wanted, sizeof(*b->launches), compare_weights);
	for (uint32_t i = 0; i < n_wanted; i++) {
		const struct pack_launch *l = b->launches[i];
		uint32_t n_objects = b->n_objects;
		size_t bytes = mark_launch(b, l);

		if (b->bytes + bytes > LIMIT_BUNDLE_BYTES) {
			while (b->n_objects > n_objects)
				b->number[b->by_path[--b->n_objects]] = SHADOW_NONE;
			continue;
		}
		b->bytes += bytes;
		b->n_extents += l->n_extents + l->n_places;
		b->launches[b->n_launches++] = l;
	}
}

static int compare_paths(const void *pa, const void *pb, void *bundle)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	int c = strcmp(describe_object(bundle, a).path, describe_object(bundle, b).path);

	return c ? c : (a > b) - (a < b);
}

static int compare_launches(const void *pa, const void *pb)
{
	const struct pack_choice *a = &(*(const struct pack_launch *const *)pa)->choice;
	const struct pack_choice *b = &(*(const struct pack_launch *const *)pb)->choice;
	int c = strcmp(a->program, b->program);

	return c ? c : strcmp(a->name, b->name);
}

/* A file that something is mounted on is one object less: its mount comes right behind it. */
static void describe_objects(struct bundle *b)
{
	uint32_t n = 0;

	qsort_r(b->by_path, b->n_objects, sizeof(*b->by_path), compare_paths, b);
	for (uint32_t i = 0; i < b->n_objects; i++) {
		struct object_desc o = describe_object(b, b->by_path[i]);

		if (n > 0 && strcmp(b->objects[n - 1].path, o.path) == 0) {
			b->number[b->by_path[i]] = SHADOW_NONE;
			continue;
		}
		b->number[b->by_path[i]] = n;
		b->objects[n++] = o;
	}
	b->n_objects = n;
}

static void add_extent(struct bundle *b, uint32_t object, struct extent_desc e)
{
	e.object = b->number[object];
	if (e.object != SHADOW_NONE)
		b->extents[b->n_extents++] = e;
}

static void describe_launches(struct bundle *b)
{
	qsort(b->launches, b->n_launches, sizeof(*b->launches), compare_launches);
	b->n_extents = 0;
	for (uint32_t i = 0; i < b->n_launches; i++) {
		const struct pack_launch *l = b->launches[i];
		uint32_t first = b->n_extents;

		for (uint32_t k = 0; k < l->n_extents; k++) {
			const struct pack_extent *e = &b->p->extents[l->first_extent + k];

			add_extent(b, e->object,
				   (struct extent_desc){ 0, e->first_pgno, e->n_pages,
							 e->when });
		}
		for (uint32_t k = 0; k < l->n_places; k++) {
			const struct extent_desc *e =
				&b->p->place_extents[l->first_place + k];

			add_extent(b, (uint32_t)b->p->n_objects + e->object, *e);
		}
		b->launch_descs[i] = pack_describe_launch(&l->choice);
		b->launch_descs[i].first_extent = first;
		b->launch_descs[i].n_extents = b->n_extents - first;
		b->launch_descs[i].lookups = l->lookups;
		b->launch_descs[i].n_lookups = l->n_lookups;
	}
}

/* Objects have other numbers here than in the shadow, so equals of one moment may have moved. */
static void sort_extents(struct bundle *b)
{
	for (uint32_t i = 0; i < b->n_launches; i++)
		qsort(b->extents + b->launch_descs[i].first_extent,
		      b->launch_descs[i].n_extents, sizeof(*b->extents),
		      extent_desc_compare);
}

static int allocate(struct bundle *b, size_t n_extents)
{
	size_t n_objects = b->p->n_objects + b->p->n_places;

	b->launches = calloc(b->p->n_launches + 1, sizeof(*b->launches));
	b->launch_descs = calloc(b->p->n_launches + 1, sizeof(*b->launch_descs));
	b->objects = calloc(n_objects + 1, sizeof(*b->objects));
	b->extents = calloc(n_extents + 1, sizeof(*b->extents));
	b->by_path = calloc(n_objects + 1, sizeof(*b->by_path));
	b->number = malloc((n_objects + 1) * sizeof(*b->number));
	if (!b->launches || !b->launch_descs || !b->objects || !b->extents || !b->by_path ||
	    !b->number)
		return -ENOMEM;
	memset(b->number, 0xff, n_objects * sizeof(*b->number));
	return 0;
}

int pack_write_bundle(const struct pack *p, uint8_t **ret, size_t *ret_bytes)
{
	_cleanup_(bundle_done) struct bundle b = { .p = p,
						   .bytes = sizeof(struct shadow_header) };

	*ret = NULL;
	*ret_bytes = 0;
	if (allocate(&b, p->n_extents + p->n_place_extents) < 0)
		return -ENOMEM;
	choose(&b);
	if (b.n_launches == 0)
		return 0;
	describe_objects(&b);
	describe_launches(&b);
	sort_extents(&b);
	return shadow_write(&(struct shadow_desc){ .kind = SHADOW_KIND_BUNDLE,
						   .launches = b.launch_descs,
						   .n_launches = b.n_launches,
						   .objects = b.objects,
						   .n_objects = b.n_objects,
						   .extents = b.extents,
						   .n_extents = b.n_extents },
			    ret, ret_bytes);
}
