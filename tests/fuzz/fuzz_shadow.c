/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container reader. A mutator mends size and checksum, so that mutations get past them.
 * What is accepted is walked through every accessor (ASan sees a byte too far) and must
 * write back to the same bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "bundle.h"
#include "hash.h"
#include "macro.h"
#include "shadow-read.h"
#include "shadow-write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define REQUIRE(condition)                                                                 \
	do {                                                                               \
		if (!(condition))                                                          \
			abort();                                                           \
	} while (0)

static void mend(uint8_t *data, size_t bytes)
{
	struct shadow_header h;

	memcpy(&h, data, sizeof(h));
	h.file_bytes = le64_make(bytes);
	memcpy(data, &h, sizeof(h));
	h.xxh3 = le64_make(hash_without(data, bytes, offsetof(struct shadow_header, xxh3)));
	memcpy(data, &h, sizeof(h));
}

/* Most rules are about small numbers that match others: make those more likely. */
static size_t mutate_number(uint8_t *data, size_t size, unsigned seed)
{
	static const uint32_t numbers[] = { 0, 1, 2, 3, 4, 127, 128, 4096, SHADOW_NONE };
	size_t at = (seed >> 8) % (size / 4) * 4;
	le32 v;

	memcpy(&v, data + at, sizeof(v));
	if (seed & 16)
		v = le32_make(numbers[(seed >> 5) % ARRAY_SIZE(numbers)]);
	else
		v = le32_make(le32_get(v) + (seed & 32 ? 1 : UINT32_MAX));
	memcpy(data + at, &v, sizeof(v));
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	if (seed % 4 == 0 && size >= sizeof(struct shadow_header))
		size = mutate_number(data, size, seed);
	else
		size = LLVMFuzzerMutate(data, size, max_size);
	if (size >= sizeof(struct shadow_header) && seed % 16 != 1)
		mend(data, size);
	return size;
}

static void describe_launches(const struct shadow *s, struct launch_desc *d)
{
	for (uint32_t i = 0; i < s->n_launches; i++) {
		const struct shadow_launch *l = &s->launches[i];

		d[i] = (struct launch_desc){
			.program = shadow_string(s, l->program),
			.scenario = shadow_string(s, l->scenario),
			.arch = shadow_string(s, l->arch),
			.name = shadow_string(s, l->name),
			.source = le32_get(l->source),
			.target = le32_get(l->target),
			.first_extent = le32_get(l->first_extent),
			.n_extents = le32_get(l->n_extents),
		};
	}
}

static void describe_objects(const struct shadow *s, struct object_desc *d)
{
	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct shadow_object *o = &s->objects[i];

		d[i] = (struct object_desc){
			.path = shadow_string(s, o->path),
			.buildid = shadow_object_buildid(o),
			.wanted_bytes = le64_get(o->wanted_bytes),
			.state = (enum object_state)o->state,
			.storage = (enum storage_class)o->storage,
			.identity = shadow_object_identity(o),
		};
	}
}

static void describe_extents(const struct shadow *s, struct extent_desc *d)
{
	for (uint32_t i = 0; i < s->n_extents; i++) {
		const struct shadow_extent *e = &s->extents[i];

		d[i] = (struct extent_desc){ le32_get(e->object), le32_get(e->first_pgno),
					     le32_get(e->n_pages), le32_get(e->when) };
	}
}

/* Each page of a file at most once, so no shadow asks for more than its files hold. */
static void check_pages(const struct shadow *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct shadow_object *o = &s->objects[i];
		uint32_t next = le32_get(o->first_extent);
		uint64_t end = 0;

		REQUIRE(next == SHADOW_NONE || shadow_object_is_usable(o));
		for (; next != SHADOW_NONE; next = le32_get(s->extents[next].next)) {
			const struct shadow_extent *e = &s->extents[next];

			REQUIRE(le32_get(e->object) == i && le32_get(e->first_pgno) >= end);
			end = (uint64_t)le32_get(e->first_pgno) + le32_get(e->n_pages);
			n += le32_get(e->n_pages);
		}
		REQUIRE(end <= UINT32_MAX &&
			(end == 0 || (end - 1) * PAGE_BYTES < le64_get(o->size_bytes)));
	}
	REQUIRE(n == (s->kind == SHADOW_KIND_BUNDLE ? 0 : shadow_count_pages(s)));
}

/* Each launch of a bundle is a shadow of its own, or says that it is none. */
static void take_launches(const struct shadow *s)
{
	for (uint32_t i = 0; s->kind == SHADOW_KIND_BUNDLE && i < s->n_launches; i++) {
		_cleanup_(shadow_buffer_done) struct shadow_buffer b = { 0 };
		uint32_t first, n;
		int r = bundle_take(s, i, &b);

		REQUIRE(r == 0 || r == -EINVAL);
		REQUIRE(r < 0 ||
			(b.shadow.kind == SHADOW_KIND_SHADOW &&
			 b.shadow.n_extents == le32_get(s->launches[i].n_extents)));
		n = bundle_find(s, shadow_string(s, s->launches[i].program), &first);
		REQUIRE(first <= i && i < first + n);
	}
}

/* Whoever sums up by launch (status --pack) counts in an array of n_launches. */
static void check_launches(const struct shadow *s)
{
	bool shares = s->kind != SHADOW_KIND_PACK && s->kind != SHADOW_KIND_PLACES;
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->n_launches; i++)
		n += le32_get(s->launches[i].n_extents);
	REQUIRE(n == (shares ? s->n_extents : 0));
	for (uint32_t i = 0; i < s->n_extents; i++)
		REQUIRE(le32_get(s->extents[i].when) <
			(s->kind == SHADOW_KIND_PACK ? s->n_launches : LIMIT_WHEN + 1));
}

static void check_lookups(const struct shadow *s)
{
	struct shadow_lookups l = shadow_lookups(s);
	const char *name;

	while ((name = shadow_lookups_next(&l)))
		REQUIRE(l.dir[0] == '/' && !strchr(name, '/') &&
			strlen(name) <= LIMIT_FILE_NAME_BYTES);
}

/* Those of a bundle say where these are, which is the writer's to tell. */
static void describe_lookups(const struct shadow *s, struct launch_desc *d)
{
	for (uint32_t i = 0; i < s->n_launches; i++) {
		const char **lookups = NULL;

		if (s->kind == SHADOW_KIND_BUNDLE)
			d[i].source = d[i].target = SHADOW_NONE;
		if (s->kind == SHADOW_KIND_BUNDLE || s->kind == SHADOW_KIND_SHADOW)
			REQUIRE(shadow_list_lookups(s, i, &lookups, &d[i].n_lookups) == 0);
		d[i].lookups = lookups;
	}
}

static void free_lookups(struct launch_desc *d, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free((void *)(uintptr_t)d[i].lookups);
}

static void write_back(const struct shadow *s, const uint8_t *data, size_t size)
{
	_cleanup_free_ struct launch_desc *launches =
		calloc(s->n_launches + 1, sizeof(*launches));
	_cleanup_free_ struct object_desc *objects =
		calloc(s->n_objects + 1, sizeof(*objects));
	_cleanup_free_ struct extent_desc *extents =
		calloc(s->n_extents + 1, sizeof(*extents));
	struct shadow_desc d = { s->kind,	launches,     objects,	    extents,
				 s->n_launches, s->n_objects, s->n_extents, s->n_eager };
	_cleanup_free_ uint8_t *again = NULL;
	size_t bytes;

	REQUIRE(launches && objects && extents);
	check_lookups(s);
	describe_launches(s, launches);
	describe_lookups(s, launches);
	describe_objects(s, objects);
	describe_extents(s, extents);
	REQUIRE(shadow_write(&d, &again, &bytes) == 0);
	free_lookups(launches, s->n_launches);
	REQUIRE(bytes == size && memcmp(again, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shadow s, places;
	int r = shadow_parse_launch(data, size, &s, &places);

	REQUIRE(r == 0 || r == -EBADMSG || r == -ESTALE);
	if (r == 0 && places.kind == SHADOW_KIND_PLACES)
		check_pages(&places);
	r = shadow_parse(data, size, &s);
	REQUIRE(r == 0 || r == -EBADMSG || r == -ESTALE);
	if (r < 0)
		return 0;
	check_pages(&s);
	check_launches(&s);
	take_launches(&s);
	write_back(&s, data, size);
	return 0;
}
