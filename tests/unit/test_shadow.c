/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "in-range.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bounds.h"
#include "bundle.h"
#include "hash.h"
#include "macro.h"
#include "shadow-read.h"
#include "shadow-write.h"

static const struct launch_desc launch = {
	.program = "/usr/bin/tool",
	.scenario = "default",
	.arch = "x86_64",
	.name = "",
	.source = SHADOW_NONE,
	.target = SHADOW_NONE,
	.n_extents = 5,
};

enum { DATA, MISSING, STALE, TOOL, WHOLE, N_OBJECTS };
static const struct object_desc objects[] = {
	[DATA] = { .path = "/etc/data",
		   .wanted_bytes = 5000,
		   .state = OBJECT_VALID,
		   .storage = STORAGE_FLASH,
		   .identity = { 7, 5000, -1, INT64_MIN } },
	[MISSING] = { .path = "/etc/missing", .wanted_bytes = 1, .state = OBJECT_MISSING },
	[STALE] = { .path = "/usr/bin/tool",
		    .buildid = { 2, { 0xab, 0xcd } },
		    .wanted_bytes = 90000,
		    .state = OBJECT_STALE,
		    .storage = STORAGE_IMAGE,
		    .identity = { 8, 40961, 1, 2 } },
	[TOOL] = { .path = "/usr/bin/tool",
		   .buildid = { 3, { 0xab, 0xcd, 0 } },
		   .wanted_bytes = 40961,
		   .state = OBJECT_VALID,
		   .identity = { 8, 40961, 1, 2 } },
	[WHOLE] = { .path = "/usr/share/w",
		    .wanted_bytes = 9,
		    .state = OBJECT_WHOLE,
		    .identity = { 9, 4096, 3, 4 } },
};

static const struct extent_desc extents[] = {
	{ TOOL, 4, 3, 0 }, /* chain of TOOL: 3, 0, 4 */
	{ WHOLE, 0, 1, 1 }, { DATA, 1, 1, 2 },
	{ TOOL, 0, 4, 2 },  { TOOL, 8, 3, LIMIT_WHEN }, /* 11 pages: 40961 bytes */
};

static struct shadow_desc desc(void)
{
	return (struct shadow_desc){
		SHADOW_KIND_SHADOW, &launch, objects, extents, 1, ARRAY_SIZE(objects),
		ARRAY_SIZE(extents)
	};
}

static uint8_t *base;
static size_t base_bytes;

static int setup(void **state)
{
	struct shadow_desc d = desc();

	(void)state;
	return shadow_write(&d, &base, &base_bytes);
}

static int teardown(void **state)
{
	(void)state;
	free(base);
	return 0;
}

static void mend(uint8_t *data, size_t bytes)
{
	struct shadow_header *h = (struct shadow_header *)data;

	h->file_bytes = le64_make(bytes);
	h->xxh3 =
		le64_make(hash_without(data, bytes, offsetof(struct shadow_header, xxh3)));
}

static int parse(const void *data, size_t bytes)
{
	struct shadow s;

	return shadow_parse(data, bytes, &s);
}

static int write_and_free(const struct shadow_desc *d)
{
	uint8_t *data;
	size_t bytes;
	int r = shadow_write(d, &data, &bytes);

	if (r == 0)
		free(data);
	return r;
}

/* WRITE_CORPUS=tests/fuzz/corpus/shadow: what starts the fuzzer. */
static void keep(const char *name, const struct shadow_desc *d)
{
	const char *dir = getenv("WRITE_CORPUS");
	_cleanup_free_ uint8_t *data = NULL;
	char path[4096];
	size_t bytes;
	FILE *f;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(shadow_write(d, &data, &bytes), 0);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	assert_int_equal(fclose(f), 0);
}

/* Offsets of fields in the base. */
#define HEADER(f)	    offsetof(struct shadow_header, f)
#define LAUNCH(f)	    (sizeof(struct shadow_header) + offsetof(struct shadow_launch, f))
#define BUNDLE_LAUNCH(i, f) (LAUNCH(f) + (i) * sizeof(struct shadow_launch))
#define OBJECT(i, f)                                                                       \
	(sizeof(struct shadow_header) + sizeof(struct shadow_launch) +                     \
	 (i) * sizeof(struct shadow_object) + offsetof(struct shadow_object, f))
#define EXTENT(i, f)                                                                       \
	(OBJECT(N_OBJECTS, path) + (i) * sizeof(struct shadow_extent) +                    \
	 offsetof(struct shadow_extent, f))
#define STRING(i) (EXTENT(ARRAY_SIZE(extents), object) + (i))

struct damage {
	size_t off;
	unsigned n_bytes;
	uint64_t value;
};

/* What WHOLE becomes with D in it and the checksum right. */
static int parse_damaged(const uint8_t *whole, size_t bytes, const struct damage *d)
{
	_cleanup_free_ uint8_t *data = malloc(bytes);
	le64 value = le64_make(d->value);

	assert_non_null(data);
	memcpy(data, whole, bytes);
	/* Damage that changes nothing would test nothing. */
	assert_memory_not_equal(data + d->off, value.b, d->n_bytes);
	memcpy(data + d->off, value.b, d->n_bytes);
	((struct shadow_header *)data)->xxh3 =
		le64_make(hash_without(data, bytes, HEADER(xxh3)));
	return parse(data, bytes);
}

static void refuse_all_of(const uint8_t *whole, size_t bytes, const struct damage *d,
			  size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = parse_damaged(whole, bytes, &d[i]);

		if (r != -EBADMSG)
			fail_msg("damage %zu at %zu: %d", i, d[i].off, r);
	}
}

static void refuse_all(const struct damage *d, size_t n)
{
	refuse_all_of(base, base_bytes, d, n);
}

static void test_header_fields(void **state)
{
	static const struct damage damages[] = {
		{ HEADER(magic), 1, 'E' },
		{ HEADER(magic) + 7, 1, 1 },
		{ HEADER(kind), 4, 0 },
		{ HEADER(kind), 4, SHADOW_KIND_PACK },
		{ HEADER(kind), 4, SHADOW_KIND_INDEX },
		{ HEADER(kind), 4, SHADOW_KIND_PLACES },
		{ HEADER(kind), 4, 5 },
		{ HEADER(kind), 4, 0x80000001 },
		{ HEADER(file_bytes), 8, 0 },
		{ HEADER(file_bytes), 8, UINT64_MAX },
		{ HEADER(file_bytes) + 4, 1, 1 },
		{ HEADER(n_launches), 4, 0 },
		{ HEADER(n_launches), 4, 2 },
		{ HEADER(n_launches), 4, UINT32_MAX },
		{ HEADER(n_objects), 4, 0 },
		{ HEADER(n_objects), 4, N_OBJECTS + 1 },
		{ HEADER(n_objects), 4, UINT32_MAX },
		{ HEADER(n_extents), 4, 0 },
		{ HEADER(n_extents), 4, ARRAY_SIZE(extents) + 1 },
		{ HEADER(n_extents), 4, UINT32_MAX },
		{ HEADER(strings_bytes), 4, 0 },
		{ HEADER(strings_bytes), 4, 1 },
		{ HEADER(strings_bytes), 4, UINT32_MAX },
		{ HEADER(n_eager), 4, 1 }, /* of a pack and places only */
		{ HEADER(n_lookups), 4, 1 },
		{ HEADER(n_lookups), 4, UINT32_MAX },
		{ HEADER(reserved), 1, 1 },
		{ HEADER(reserved) + 7, 1, 0x80 },
	};

	(void)state;
	refuse_all(damages, ARRAY_SIZE(damages));
}

static void test_launch_fields(void **state)
{
	static const struct damage damages[] = {
		{ LAUNCH(program), 4, 1 },
		{ LAUNCH(program), 4, UINT32_MAX },
		{ LAUNCH(scenario), 4, 0 },
		{ LAUNCH(scenario), 4, 15 }, /* inside "default" */
		{ LAUNCH(arch), 4, 14 },
		{ LAUNCH(name), 4, 0 },
		{ LAUNCH(source), 4, 0 },
		{ LAUNCH(target), 4, 0 },
		{ LAUNCH(first_extent), 4, 1 },
		{ LAUNCH(first_extent), 4, UINT32_MAX },
		{ LAUNCH(n_extents), 4, 4 },
		{ LAUNCH(n_extents), 4, 6 },
		{ LAUNCH(n_extents), 4, UINT32_MAX },
		{ STRING(0), 1, 'x' },	/* program not absolute */
		{ STRING(13), 1, 'x' }, /* its end: one string too few */
		{ STRING(14), 1, 0 },	/* scenario empty */
	};

	(void)state;
	assert_memory_equal(base + STRING(14), "default", 8);
	refuse_all(damages, ARRAY_SIZE(damages));
}

static void test_object_fields(void **state)
{
	static const struct damage damages[] = {
		{ OBJECT(DATA, path), 4, 0 },
		{ OBJECT(DATA, path), 4, UINT32_MAX },
		{ OBJECT(TOOL, buildid_bytes), 1, 0 }, /* bytes past the end not zero */
		{ OBJECT(TOOL, buildid_bytes), 1,
		  2 }, /* as STALE, but smaller size: order */
		{ OBJECT(TOOL, buildid_bytes), 1, 33 },
		{ OBJECT(TOOL, buildid_bytes), 1, 255 },
		{ OBJECT(TOOL, buildid) + 3, 1, 1 },
		{ OBJECT(TOOL, buildid) + 31, 1, 1 },
		{ OBJECT(DATA, buildid), 1, 1 },
		{ OBJECT(DATA, state), 1, OBJECT_MISSING },
		{ OBJECT(DATA, state), 1, OBJECT_UNUSABLE }, /* has extents */
		{ OBJECT(DATA, state), 1, OBJECT_STALE },
		{ OBJECT(DATA, state), 1, OBJECT_WHOLE }, /* size as trained */
		{ OBJECT(WHOLE, state), 1, OBJECT_VALID },
		{ OBJECT(TOOL, state), 1, OBJECT_WHOLE }, /* has a build-id */
		{ OBJECT(STALE, state), 1,
		  OBJECT_WHOLE }, /* has a build-id, another size */
		{ OBJECT(STALE, state), 1, OBJECT_STATES },
		{ OBJECT(STALE, state), 1, 255 },
		{ OBJECT(DATA, storage), 1, STORAGE_CLASSES },
		{ OBJECT(DATA, storage), 1, 255 },
		{ OBJECT(DATA, confidence), 1, 1 }, /* no other build of a data file */
		{ OBJECT(TOOL, confidence), 1, 101 },
		{ OBJECT(TOOL, confidence), 1, 255 },
		{ OBJECT(DATA, wanted_bytes), 8, 5001 },
		{ OBJECT(TOOL, wanted_bytes), 8, LIMIT_FILE_BYTES + 1 },
		{ OBJECT(MISSING, ino), 8, 1 },
		{ OBJECT(MISSING, size_bytes), 8, 1 },
		{ OBJECT(MISSING, mtime_ns), 8, 1 },
		{ OBJECT(MISSING, ctime_ns), 8, UINT64_MAX },
		{ OBJECT(TOOL, size_bytes), 8, 40960 }, /* one page less than its extents */
		{ OBJECT(TOOL, size_bytes), 8, 0 },
		{ OBJECT(STALE, first_extent), 4, 0 },
		{ OBJECT(STALE, first_extent), 4, ARRAY_SIZE(extents) },
		{ OBJECT(TOOL, first_extent), 4, SHADOW_NONE },
		{ OBJECT(TOOL, first_extent), 4, 0 }, /* leaves one out */
		{ OBJECT(TOOL, first_extent), 4, 1 }, /* of another object */
		{ OBJECT(TOOL, first_extent), 4, ARRAY_SIZE(extents) },
		{ STRING(30), 1, 'x' }, /* path of DATA not absolute */
	};

	(void)state;
	assert_memory_equal(base + STRING(30), "/etc/data", 10);
	refuse_all(damages, ARRAY_SIZE(damages));
}

static void test_extent_fields(void **state)
{
	static const struct damage damages[] = {
		{ EXTENT(0, object), 4, STALE },
		{ EXTENT(0, object), 4, DATA },
		{ EXTENT(0, object), 4, N_OBJECTS },
		{ EXTENT(0, object), 4, UINT32_MAX },
		{ EXTENT(0, first_pgno), 4, 3 }, /* overlaps pages 0-3 */
		{ EXTENT(0, first_pgno), 4, 6 }, /* overlaps pages 8-10 */
		{ EXTENT(0, first_pgno), 4, UINT32_MAX },
		{ EXTENT(0, n_pages), 4, 0 },
		{ EXTENT(0, n_pages), 4, 5 },
		{ EXTENT(3, n_pages), 4, 5 },
		{ EXTENT(4, n_pages), 4, 4 }, /* past the end of the file */
		{ EXTENT(4, n_pages), 4, UINT32_MAX },
		{ EXTENT(4, first_pgno), 4, 9 },
		{ EXTENT(4, when), 4, LIMIT_WHEN + 1 },
		{ EXTENT(4, when), 4, UINT32_MAX },
		{ EXTENT(0, when), 4, 2 }, /* not in order */
		{ EXTENT(1, when), 4, 2 },
		{ EXTENT(4, when), 4, 1 },
		{ EXTENT(0, next), 4, SHADOW_NONE },
		{ EXTENT(0, next), 4, 0 }, /* circles */
		{ EXTENT(0, next), 4, 3 },
		{ EXTENT(0, next), 4, 1 },
		{ EXTENT(4, next), 4, 0 },
		{ EXTENT(4, next), 4, ARRAY_SIZE(extents) },
		{ EXTENT(4, next), 4, 1 << 28 }, /* far outside */
		{ EXTENT(3, next), 4, 4 },	 /* leaves one out */
	};

	(void)state;
	refuse_all(damages, ARRAY_SIZE(damages));
}

/* The other side: what is not a rule is let through, so it was the rule that refused. */
static void test_free_fields(void **state)
{
	static const struct damage changes[] = {
		{ OBJECT(TOOL, ino), 8, UINT64_MAX },
		{ OBJECT(TOOL, size_bytes), 8, 45056 },
		{ OBJECT(TOOL, size_bytes), 8, UINT64_MAX },
		{ OBJECT(TOOL, mtime_ns), 8, UINT64_MAX },
		{ OBJECT(TOOL, ctime_ns), 8, 0 },
		{ OBJECT(TOOL, storage), 1, STORAGE_IMAGE },
		{ OBJECT(TOOL, confidence), 1, 1 },
		{ OBJECT(TOOL, confidence), 1, 100 },
		{ OBJECT(TOOL, wanted_bytes), 8, LIMIT_FILE_BYTES },
		{ OBJECT(TOOL, buildid), 1, 0xac },
		{ OBJECT(TOOL, buildid_bytes), 1, 32 },
		{ OBJECT(STALE, state), 1, OBJECT_UNUSABLE },
		{ OBJECT(MISSING, storage), 1, STORAGE_NETWORK },
		{ EXTENT(0, n_pages), 4, 4 },
		{ EXTENT(4, n_pages), 4, 1 },
		{ STRING(1), 1, 'o' },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (parse_damaged(base, base_bytes, &changes[i]) != 0)
			fail_msg("change %zu at %zu was refused", i, changes[i].off);
}

static void test_other_versions(void **state)
{
	static const struct damage v0 = { HEADER(version), 4, 0 };
	static const struct damage v2 = { HEADER(version), 4, SHADOW_VERSION + 1 };
	_cleanup_free_ uint8_t *data = malloc(base_bytes);

	(void)state;
	assert_int_equal(parse_damaged(base, base_bytes, &v0), -ESTALE);
	assert_int_equal(parse_damaged(base, base_bytes, &v2), -ESTALE);
	/* Whole, and of a version whose sections we know nothing of. */
	assert_non_null(data);
	memcpy(data, base, base_bytes);
	memset(data + sizeof(struct shadow_header), 0x55,
	       base_bytes - sizeof(struct shadow_header));
	data[HEADER(version)] = 9;
	mend(data, base_bytes);
	assert_int_equal(parse(data, base_bytes), -ESTALE);
	/* Without its checksum it is no version at all. */
	data[base_bytes - 1] ^= 1;
	assert_int_equal(parse(data, base_bytes), -EBADMSG);
}

static void test_every_cut(void **state)
{
	(void)state;
	for (size_t n = 0; n < base_bytes; n++) {
		_cleanup_free_ uint8_t *data = malloc(n ? n : 1);

		assert_non_null(data);
		memcpy(data, base, n);
		assert_int_equal(parse(data, n), -EBADMSG);
		if (n < sizeof(struct shadow_header))
			continue;
		mend(data, n); /* now it is the sections that do not fit */
		assert_int_equal(parse(data, n), -EBADMSG);
	}
	assert_int_equal(parse(NULL, 0), -EBADMSG);
}

static void test_bytes_behind_the_end(void **state)
{
	_cleanup_free_ uint8_t *data = calloc(1, base_bytes + 1);

	(void)state;
	assert_non_null(data);
	memcpy(data, base, base_bytes);
	assert_int_equal(parse(data, base_bytes + 1), -EBADMSG);
	mend(data, base_bytes + 1);
	assert_int_equal(parse(data, base_bytes + 1), -EBADMSG);
	/* Not even as one string more. */
	((struct shadow_header *)data)->strings_bytes =
		le32_make(le32_get(((struct shadow_header *)data)->strings_bytes) + 1);
	mend(data, base_bytes + 1);
	assert_int_equal(parse(data, base_bytes + 1), -EBADMSG);
}

static void test_every_byte_changed(void **state)
{
	_cleanup_free_ uint8_t *data = malloc(base_bytes);

	(void)state;
	assert_non_null(data);
	memcpy(data, base, base_bytes);
	for (size_t i = 0; i < base_bytes; i++) {
		for (unsigned x = 1; x < 256; x++) {
			data[i] = (uint8_t)(base[i] ^ x);
			if (parse(data, base_bytes) != -EBADMSG)
				fail_msg("byte %zu ^ %u was let through", i, x);
		}
		data[i] = base[i];
	}
	assert_int_equal(parse(data, base_bytes), 0);
}

static void assert_object(const struct shadow *s, uint32_t i, const struct object_desc *d)
{
	const struct shadow_object *o = &s->objects[i];
	struct buildid b = shadow_object_buildid(o);
	struct identity id = shadow_object_identity(o);

	assert_string_equal(shadow_string(s, o->path), d->path);
	assert_true(buildid_equal(&b, &d->buildid));
	assert_true(identity_equal(&id, &d->identity));
	assert_int_equal(le64_get(o->wanted_bytes), d->wanted_bytes);
	assert_int_equal(o->state, d->state);
	assert_int_equal(o->storage, d->storage);
	assert_int_equal(shadow_object_is_usable(o),
			 d->state == OBJECT_VALID || d->state == OBJECT_WHOLE);
}

static void assert_is_base(const struct shadow *s)
{
	assert_int_equal(s->kind, SHADOW_KIND_SHADOW);
	assert_int_equal(s->n_launches, 1);
	assert_int_equal(s->n_objects, N_OBJECTS);
	assert_int_equal(s->n_extents, ARRAY_SIZE(extents));
	assert_string_equal(shadow_string(s, s->launches[0].program), launch.program);
	assert_string_equal(shadow_string(s, s->launches[0].scenario), launch.scenario);
	assert_string_equal(shadow_string(s, s->launches[0].arch), launch.arch);
	assert_string_equal(shadow_string(s, s->launches[0].name), "");
	for (uint32_t i = 0; i < N_OBJECTS; i++)
		assert_object(s, i, &objects[i]);
	for (uint32_t i = 0; i < s->n_extents; i++) {
		assert_int_equal(le32_get(s->extents[i].object), extents[i].object);
		assert_int_equal(le32_get(s->extents[i].first_pgno), extents[i].first_pgno);
		assert_int_equal(le32_get(s->extents[i].n_pages), extents[i].n_pages);
		assert_int_equal(le32_get(s->extents[i].when), extents[i].when);
	}
	assert_int_equal(shadow_count_pages(s), 12);
}

static void test_round_trip_at_any_alignment(void **state)
{
	_cleanup_free_ uint8_t *buffer = malloc(base_bytes + 8);

	(void)state;
	assert_non_null(buffer);
	for (size_t shift = 0; shift < 8; shift++) {
		struct shadow s;

		memcpy(buffer + shift, base, base_bytes);
		assert_int_equal(shadow_parse(buffer + shift, base_bytes, &s), 0);
		assert_is_base(&s);
	}
}

static void test_chain_lists_an_object_by_page(void **state)
{
	static const uint32_t want[] = { 0, 4, 8 };
	uint32_t next, n = 0;
	struct shadow s;

	(void)state;
	assert_int_equal(shadow_parse(base, base_bytes, &s), 0);
	next = le32_get(s.objects[TOOL].first_extent);
	for (; next != SHADOW_NONE; next = le32_get(s.extents[next].next))
		assert_int_equal(le32_get(s.extents[next].first_pgno), want[n++]);
	assert_int_equal(n, ARRAY_SIZE(want));
	assert_int_equal(le32_get(s.objects[STALE].first_extent), SHADOW_NONE);
}

/* A change of these bytes is a change of the format: SHADOW_VERSION must go up then. */
static void test_bytes_of_version_1(void **state)
{
	struct shadow_desc d = desc();
	_cleanup_free_ uint8_t *again = NULL;
	size_t bytes;

	(void)state;
	keep("shadow", &d);
	assert_int_equal(shadow_write(&d, &again, &bytes), 0);
	assert_int_equal(bytes, base_bytes);
	assert_memory_equal(again, base, bytes);
	assert_int_equal(bytes, 64 + 32 + 5 * 84 + 5 * 20 + 94);
	assert_memory_equal(base,
			    "\x7f"
			    "ECSHDW\n\1\0\0\0\1\0\0\0",
			    16);
	assert_int_equal(le64_get(((struct shadow_header *)base)->xxh3),
			 0xcd20241f317e6347u);
}

/* A writer that could write what no reader takes would be noticed on other machines only. */
static void test_writer_refuses_what_the_reader_refuses(void **state)
{
	struct launch_desc l = launch;
	struct object_desc o[N_OBJECTS];
	struct extent_desc e[ARRAY_SIZE(extents)];
	struct shadow_desc d = { SHADOW_KIND_SHADOW, &l, o, e, 1, N_OBJECTS,
				 ARRAY_SIZE(extents) };

	(void)state;
#define REFUSED(...)                                                                       \
	do {                                                                               \
		l = launch;                                                                \
		memcpy(o, objects, sizeof(o));                                             \
		memcpy(e, extents, sizeof(e));                                             \
		assert_int_equal(write_and_free(&d), 0);                                   \
		__VA_ARGS__;                                                               \
		assert_int_equal(write_and_free(&d), -EINVAL);                             \
	} while (0)
	REFUSED(l.program = "usr/bin/tool");
	REFUSED(l.program = "/");
	REFUSED(l.program = "/usr/../tool");
	REFUSED(l.scenario = "");
	REFUSED(l.name = "x");
	REFUSED(l.n_extents = 4);
	REFUSED(o[DATA].path = "/etc//data");
	REFUSED(o[DATA].path = "/etc/./data");
	REFUSED(o[DATA].path = "/etc/data/");
	REFUSED(o[DATA].path = "/usr/z"); /* order */
	REFUSED(o[MISSING].path = "/etc/data/.."; o[MISSING].wanted_bytes = 1);
	REFUSED(o[DATA].buildid.n_bytes = 33);
	REFUSED(o[DATA].buildid.n_bytes = 255);
	REFUSED(o[TOOL] = o[STALE]);
	REFUSED(e[0].object = N_OBJECTS);
	REFUSED(e[0].object = UINT32_MAX);
	REFUSED(e[3].n_pages = 5);
	REFUSED(e[3] = e[2]);
	REFUSED(e[4].when = 0);
	REFUSED(e[3] = (struct extent_desc){ TOOL, 8, 3, 2 };
		e[4] = (struct extent_desc){ TOOL, 0, 4, 2 }); /* order by page */
#undef REFUSED
}

static void test_objects_differ_by_size_alone(void **state)
{
	struct object_desc o[2] = { objects[STALE], objects[STALE] };
	struct shadow_desc d = desc();
	struct launch_desc l = launch;

	(void)state;
	l.n_extents = 0;
	d.launches = &l;
	d.objects = o;
	d.n_objects = 2;
	d.n_extents = 0;
	assert_int_equal(write_and_free(&d), -EINVAL);
	o[1].wanted_bytes++;
	assert_int_equal(write_and_free(&d), 0);
	o[0].wanted_bytes += 2;
	assert_int_equal(write_and_free(&d), -EINVAL);
}

/* One past the last page is a page number, too: 2^32-1 at most. */
static void test_last_page_number(void **state)
{
	struct object_desc o = objects[TOOL];
	struct extent_desc e = { 0, UINT32_MAX - 1, 1, 0 };
	struct launch_desc l = launch;
	struct shadow_desc d = { SHADOW_KIND_SHADOW, &l, &o, &e, 1, 1, 1 };

	(void)state;
	l.n_extents = 1;
	o.identity.size_bytes = UINT64_MAX;
	assert_int_equal(write_and_free(&d), 0);
	e.first_pgno = UINT32_MAX;
	assert_int_equal(write_and_free(&d), -EINVAL);
	e = (struct extent_desc){ 0, 1, UINT32_MAX - 1, 0 };
	assert_int_equal(write_and_free(&d), 0);
	e.n_pages = UINT32_MAX;
	assert_int_equal(write_and_free(&d), -EINVAL);
}

static void test_a_shadow_has_one_launch(void **state)
{
	struct launch_desc l[2] = { launch, launch };
	struct shadow_desc d = { .kind = SHADOW_KIND_SHADOW, .launches = l };

	(void)state;
	l[0].n_extents = l[1].n_extents = 0;
	for (d.n_launches = 0; d.n_launches < 3; d.n_launches++)
		assert_int_equal(write_and_free(&d), d.n_launches == 1 ? 0 : -EINVAL);
}

static char *long_text(size_t n, const char *head)
{
	char *s = malloc(n + 1);

	assert_non_null(s);
	memset(s, 'x', n);
	memcpy(s, head, strlen(head));
	s[n] = 0;
	return s;
}

static void test_limits_of_strings(void **state)
{
	_cleanup_free_ char *path = long_text(LIMIT_PATH_BYTES + 1, "/");
	_cleanup_free_ char *word = long_text(LIMIT_NAME_BYTES + 1, "");
	_cleanup_free_ char *name = long_text(LIMIT_PROFILE_NAME_BYTES + 1, "");
	struct launch_desc l = launch;
	struct shadow_desc d = { .kind = SHADOW_KIND_SHADOW,
				 .launches = &l,
				 .n_launches = 1 };

	(void)state;
	l.n_extents = 0;
	l.program = path;
	l.scenario = word + 1;
	l.arch = word + 1;
	assert_int_equal(write_and_free(&d), -EINVAL);
	path[LIMIT_PATH_BYTES] = 0;
	assert_int_equal(write_and_free(&d), 0);
	l.scenario = word;
	assert_int_equal(write_and_free(&d), -EINVAL);
	l.scenario = word + 1;
	l.arch = word;
	assert_int_equal(write_and_free(&d), -EINVAL);
	l.arch = word + 1;
	d.kind = SHADOW_KIND_PACK;
	l.name = name;
	assert_int_equal(write_and_free(&d), -EINVAL);
	l.name = name + 1;
	assert_int_equal(write_and_free(&d), 0);
}

/* One launch, one object and N_EXTENTS of one page each, made without the writer. */
static uint8_t *big_shadow(uint32_t n_extents, size_t *ret_bytes)
{
	static const char strings[] = "/p\0s\0a\0\0/o";
	size_t fixed = sizeof(struct shadow_header) + sizeof(struct shadow_launch) +
		       sizeof(struct shadow_object);
	size_t bytes = fixed + n_extents * sizeof(struct shadow_extent) + sizeof(strings);
	uint8_t *data = calloc(1, bytes);
	struct shadow_header *h = (struct shadow_header *)data;
	struct shadow_launch *l = (struct shadow_launch *)(h + 1);
	struct shadow_object *o = (struct shadow_object *)(l + 1);
	struct shadow_extent *e = (struct shadow_extent *)(o + 1);

	assert_non_null(data);
	memcpy(h->magic, SHADOW_MAGIC, 8);
	h->version = h->kind = h->n_launches = h->n_objects = le32_make(1);
	h->n_extents = le32_make(n_extents);
	h->strings_bytes = le32_make(sizeof(strings));
	*l = (struct shadow_launch){ le32_make(0),	     le32_make(3),
				     le32_make(5),	     le32_make(7),
				     le32_make(SHADOW_NONE), le32_make(SHADOW_NONE),
				     le32_make(0),	     le32_make(n_extents) };
	o->path = le32_make(8);
	o->state = OBJECT_VALID;
	o->wanted_bytes = o->size_bytes = le64_make((uint64_t)n_extents * PAGE_BYTES);
	for (uint32_t i = 0; i < n_extents; i++)
		e[i] = (struct shadow_extent){
			.first_pgno = le32_make(i),
			.n_pages = le32_make(1),
			.next = le32_make(i + 1 < n_extents ? i + 1 : SHADOW_NONE),
		};
	memcpy(e + n_extents, strings, sizeof(strings));
	mend(data, bytes);
	*ret_bytes = bytes;
	return data;
}

static void test_limits_of_files(void **state)
{
	struct shadow_desc d = desc();
	uint32_t n = (LIMIT_SHADOW_BYTES - 64 - 32 - 84 - 11) / 20;
	void *untouchable =
		mmap(NULL, PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *data;
	size_t bytes;

	(void)state;
	data = big_shadow(n, &bytes);
	assert_uint_in_range(bytes, LIMIT_SHADOW_BYTES - 20, LIMIT_SHADOW_BYTES);
	assert_int_equal(parse(data, bytes), 0);
	free(data);
	data = big_shadow(n + 1, &bytes);
	assert_int_equal(parse(data, bytes), -EBADMSG);
	free(data);
	/* Over the limit of all kinds nothing is even looked at. */
	assert_ptr_not_equal(untouchable, MAP_FAILED);
	assert_int_equal(parse(untouchable, LIMIT_PACK_BYTES + 1), -EBADMSG);
	munmap(untouchable, PAGE_BYTES);
	d.n_extents = n + 1;
	assert_int_equal(write_and_free(&d), -E2BIG);
	d.kind = SHADOW_KIND_PACK;
	d.n_extents = UINT32_MAX;
	assert_int_equal(write_and_free(&d), -E2BIG);
}

/* Two launches, the better one first; extents in the order of the disk. */
static const struct launch_desc pack_launches[] = {
	{ "/usr/bin/tool", "default", "x86_64", "b.json", SHADOW_NONE, SHADOW_NONE, 0, 0 },
	{ "/usr/bin/tool", "x", "x86_64", "a.json", SHADOW_NONE, SHADOW_NONE, 0, 0 },
};
static const struct extent_desc pack_extents[] = {
	{ TOOL, 8, 3, 1 }, { TOOL, 0, 4, 0 }, { DATA, 1, 1, 1 }, { WHOLE, 0, 1, 0 }
};

static struct shadow_desc pack_desc(void)
{
	return (struct shadow_desc){ SHADOW_KIND_PACK,
				     pack_launches,
				     objects,
				     pack_extents,
				     ARRAY_SIZE(pack_launches),
				     N_OBJECTS,
				     ARRAY_SIZE(pack_extents) };
}

static void test_packs(void **state)
{
	struct launch_desc l[2];
	struct extent_desc e[ARRAY_SIZE(pack_extents)];
	struct shadow_desc d = pack_desc();

	(void)state;
	keep("pack", &d);
	assert_int_equal(write_and_free(&d), 0);
	d.launches = l;
	d.extents = e;
#define TRIED(result, ...)                                                                 \
	do {                                                                               \
		memcpy(l, pack_launches, sizeof(l));                                       \
		memcpy(e, pack_extents, sizeof(e));                                        \
		__VA_ARGS__;                                                               \
		assert_int_equal(write_and_free(&d), result);                              \
	} while (0)
	TRIED(0, e[0] = pack_extents[3]; e[3] = pack_extents[0]); /* any order */
	TRIED(0, l[0].name = "a.json");				  /* two scenarios */
	TRIED(0, e[1].when = e[3].when = 1); /* the first brings nothing */
	TRIED(-EINVAL, e[1].n_pages = 9);    /* the launches share the file */
	TRIED(-EINVAL, l[0].source = 0);
	TRIED(-EINVAL, l[0].name = "");
	TRIED(-EINVAL, l[0].name = "a/b");
	d = (struct shadow_desc){ .kind = SHADOW_KIND_PACK };
	keep("pack-empty", &d);
	assert_int_equal(write_and_free(&d), 0); /* nothing is worth it: still a pack */
}

/* As in a shadow, but for launches and the meaning of when. */
static void test_pack_fields(void **state)
{
	enum { LAUNCH_1 = sizeof(struct shadow_launch), EXTENTS = LAUNCH_1 };
	static const struct damage damages[] = {
		{ HEADER(kind), 4, SHADOW_KIND_SHADOW },
		{ HEADER(kind), 4, SHADOW_KIND_INDEX },
		{ HEADER(n_launches), 4, 1 },
		{ HEADER(n_launches), 4, 3 },
		{ HEADER(n_extents), 4, 3 },
		{ HEADER(n_eager), 4, 5 }, /* has 4 extents */
		{ HEADER(n_eager), 4, UINT32_MAX },
		{ LAUNCH(source), 4, 0 },
		{ LAUNCH(target), 4, 0 },
		{ LAUNCH(first_extent), 4, 1 },
		{ LAUNCH(n_extents), 4, 4 },
		{ LAUNCH(n_extents), 4, UINT32_MAX },
		{ LAUNCH_1 + LAUNCH(first_extent), 4, 2 },
		{ LAUNCH_1 + LAUNCH(n_extents), 4, 2 },
		{ EXTENTS + EXTENT(0, when), 4, 2 }, /* launches are 0 and 1 */
		{ EXTENTS + EXTENT(3, when), 4, 2 },
		{ EXTENTS + EXTENT(3, when), 4, UINT32_MAX },
		{ EXTENTS + EXTENT(1, n_pages), 4, 9 },
		{ EXTENTS + EXTENT(1, object), 4, STALE },
		{ EXTENTS + EXTENT(1, next), 4, SHADOW_NONE },
		{ EXTENTS + EXTENT(0, next), 4, 1 },
		{ EXTENTS + EXTENT(0, first_pgno), 4, 9 },
	};
	static const struct damage changes[] = {
		{ HEADER(n_eager), 4, 1 },
		{ HEADER(n_eager), 4, 4 },
		{ EXTENTS + EXTENT(0, when), 4, 0 },
		{ EXTENTS + EXTENT(1, when), 4, 1 },
		{ EXTENTS + EXTENT(0, first_pgno), 4, 7 },
	};
	uint8_t *shadow = base;
	size_t shadow_bytes = base_bytes;
	struct shadow_desc d = pack_desc();

	(void)state;
	assert_int_equal(shadow_write(&d, &base, &base_bytes), 0);
	refuse_all(damages, ARRAY_SIZE(damages));
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		assert_int_equal(parse_damaged(base, base_bytes, &changes[i]), 0);
	free(base);
	base = shadow;
	base_bytes = shadow_bytes;
}

/* More launches than there are buckets of time. */
static void test_pack_of_many_launches(void **state)
{
	enum { N = LIMIT_WHEN + 100 };
	static struct launch_desc l[N];
	struct extent_desc e = { TOOL, 0, 1, N - 1 };
	struct shadow_desc d = { SHADOW_KIND_PACK, l, objects, &e, N, N_OBJECTS, 1 };

	(void)state;
	for (size_t i = 0; i < N; i++)
		l[i] = pack_launches[0];
	assert_int_equal(write_and_free(&d), 0);
	e.when = N;
	assert_int_equal(write_and_free(&d), -EINVAL);
}

static void test_indexes(void **state)
{
	struct launch_desc l[2] = { launch, launch };
	struct object_desc o[2] = {
		{ .path = "/a", .state = OBJECT_VALID, .identity = { 1, 2, 3, 4 } },
		{ .path = "/b", .state = OBJECT_MISSING }
	};
	struct extent_desc e = { 0, 0, 1, 0 };
	struct shadow_desc d = { SHADOW_KIND_INDEX, l, o, &e, 2, 2, 0 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		l[i].name = i ? "b.json" : "a.json";
		l[i].n_extents = l[i].source = 0;
		l[i].target = 1;
	}
	keep("index", &d);
	assert_int_equal(write_and_free(&d), 0);
	l[0].source = 2;
	assert_int_equal(write_and_free(&d), -EINVAL);
	l[0].source = SHADOW_NONE;
	assert_int_equal(write_and_free(&d), -EINVAL);
	l[0].source = 0;
	l[1].target = SHADOW_NONE;
	assert_int_equal(write_and_free(&d), -EINVAL);
	l[1].target = 0;
	l[0].name = "b.json"; /* searched by name */
	assert_int_equal(write_and_free(&d), -EINVAL);
	l[0].name = "a.json";
	o[1].path = "/a"; /* and by path */
	o[1].wanted_bytes = 7;
	assert_int_equal(write_and_free(&d), -EINVAL);
	o[1].path = "/b";
	assert_int_equal(write_and_free(&d), 0);
	o[1].state = OBJECT_WHOLE;
	assert_int_equal(write_and_free(&d), -EINVAL);
	o[1].state = OBJECT_VALID;
	assert_int_equal(write_and_free(&d), 0);
}

/* Extents of an index: which objects each launch depends on. */
static void test_dependencies(void **state)
{
	struct launch_desc l[2] = { launch, launch };
	struct object_desc o[2] = { { .path = "/a", .state = OBJECT_VALID },
				    { .path = "/b", .state = OBJECT_MISSING } };
	struct extent_desc e[3] = { { .object = 0 }, { .object = 1 }, { .object = 1 } };
	struct shadow_desc d = { SHADOW_KIND_INDEX, l, o, e, 2, 2, 3 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		l[i].name = i ? "b.json" : "a.json";
		l[i].source = l[i].target = 0;
	}
	l[0].n_extents = l[1].first_extent = 2;
	l[1].n_extents = 1;
	keep("index-dependencies", &d);
	assert_int_equal(write_and_free(&d), 0);
	e[1].object = 0; /* twice */
	assert_int_equal(write_and_free(&d), -EINVAL);
	e[0].object = 1; /* not ascending */
	assert_int_equal(write_and_free(&d), -EINVAL);
	e[0].object = 0;
	e[1].object = 1;
	e[2].first_pgno = 1;
	assert_int_equal(write_and_free(&d), -EINVAL);
	e[2].first_pgno = 0;
	e[2].n_pages = 1;
	assert_int_equal(write_and_free(&d), -EINVAL);
	e[2].n_pages = 0;
	e[2].when = 1;
	assert_int_equal(write_and_free(&d), -EINVAL);
	e[2].when = 0;
	d.n_extents = 2; /* and one that is not there */
	assert_int_equal(write_and_free(&d), -EINVAL);
}

/* What the writer cannot get wrong. */
static void test_dependencies_are_no_chains(void **state)
{
	struct launch_desc l = launch;
	struct object_desc o = { .path = "/a", .state = OBJECT_VALID };
	struct extent_desc e = { .object = 0 };
	struct shadow_desc d = { SHADOW_KIND_INDEX, &l, &o, &e, 1, 1, 1 };
	struct shadow_header *h;
	struct shadow_object *object;
	struct shadow_extent *extent;
	struct shadow s;
	uint8_t *data;
	size_t bytes;

	(void)state;
	l.name = "a.json";
	l.n_extents = 1;
	l.source = l.target = 0;
	assert_int_equal(shadow_write(&d, &data, &bytes), 0);
	h = (struct shadow_header *)data;
	object = (struct shadow_object *)(data + sizeof(*h) + sizeof(struct shadow_launch));
	extent = (struct shadow_extent *)(object + 1);
	object->first_extent = le32_make(0);
	mend(data, bytes);
	assert_int_equal(shadow_parse(data, bytes, &s), -EBADMSG);
	object->first_extent = le32_make(SHADOW_NONE);
	extent->next = le32_make(0);
	mend(data, bytes);
	assert_int_equal(shadow_parse(data, bytes, &s), -EBADMSG);
	extent->next = le32_make(SHADOW_NONE);
	extent->object = le32_make(1);
	mend(data, bytes);
	assert_int_equal(shadow_parse(data, bytes, &s), -EBADMSG);
	extent->object = le32_make(0);
	mend(data, bytes);
	assert_int_equal(shadow_parse(data, bytes, &s), 0);
	free(data);
}

/* Each field of places alone, and what places may and others may not. */
static void test_places(void **state)
{
	static const struct object_desc good_objects[2] = {
		{ .path = "/",
		  .buildid = { 16, { 1, 2, 3 } },
		  .wanted_bytes = 81920,
		  .state = OBJECT_VALID,
		  .storage = STORAGE_NETWORK,
		  .identity = { .size_bytes = 81920 } },
		{ .path = "/usr",
		  .buildid = { 16, { 4 } },
		  .wanted_bytes = 8192,
		  .state = OBJECT_VALID,
		  .identity = { .size_bytes = 8192 } },
	};
	static const struct extent_desc good_extents[3] = { { 0, 17, 3, 0 },
							    { 0, 2, 1, 1 },
							    { 1, 0, 2, 1 } };
	struct object_desc o[2];
	struct extent_desc e[3];
	struct launch_desc l = launch;
	struct shadow_desc d = { SHADOW_KIND_PLACES, &l, o, e, 0, 2, 3, 1 };

	(void)state;
#define REFUSED(...)                                                                       \
	do {                                                                               \
		d = (struct shadow_desc){ SHADOW_KIND_PLACES, &l, o, e, 0, 2, 3, 1 };      \
		memcpy(o, good_objects, sizeof(o));                                        \
		memcpy(e, good_extents, sizeof(e));                                        \
		assert_int_equal(write_and_free(&d), 0);                                   \
		__VA_ARGS__;                                                               \
		assert_int_equal(write_and_free(&d), -EINVAL);                             \
	} while (0)
	REFUSED(d.n_launches = 1; l.name = "a.json"; l.n_extents = 3);
	REFUSED(o[0].path = "");
	REFUSED(o[0].path = "//");
	REFUSED(o[1].path = "/usr/");
	REFUSED(o[0].path = "/usr"); /* twice, though of other file systems */
	REFUSED(o[0].path = "/var"); /* order */
	REFUSED(o[0].state = OBJECT_STALE);
	REFUSED(o[0].state = OBJECT_WHOLE);
	REFUSED(o[1].buildid.n_bytes = 15);
	REFUSED(o[1].buildid.n_bytes = 17);
	REFUSED(o[1].buildid = (struct buildid){ 0 });
	REFUSED(o[1].wanted_bytes = 8193);
	REFUSED(o[1].identity.size_bytes = 12288);
	REFUSED(o[0].identity.ino = 1);
	REFUSED(o[0].identity.mtime_ns = 1);
	REFUSED(o[0].identity.ctime_ns = -1);
	REFUSED(o[0].storage = STORAGE_CLASSES);
	REFUSED(e[0].when = 1);
	REFUSED(e[1].when = 0); /* eager are the first n_eager, and no others */
	REFUSED(e[2].when = 2);
	REFUSED(d.n_eager = 0);
	REFUSED(d.n_eager = 2);
	REFUSED(d.n_eager = 4);
	REFUSED(d.n_eager = 0; e[0].when = 1);			 /* order by page */
	REFUSED(e[1] = good_extents[2]; e[2] = good_extents[1]); /* and by object */
	REFUSED(e[1].first_pgno = 17);				 /* overlap */
	REFUSED(e[2].n_pages = 3);				 /* past the device's end */
	REFUSED(d.kind = SHADOW_KIND_PACK);
	REFUSED(d.kind = SHADOW_KIND_INDEX);
#undef REFUSED
	d.kind = SHADOW_KIND_PLACES;
	keep("places", &d);
	d.n_objects = d.n_extents = d.n_eager = 0;
	assert_int_equal(write_and_free(&d), 0);
}

/* Two launches of one program, that share a file, and one of another. */
static const struct launch_desc bundle_launches[] = {
	{ "/usr/bin/a", "default", "x86_64", "1.json", SHADOW_NONE, SHADOW_NONE, 0, 2 },
	{ "/usr/bin/a", "other", "x86_64", "2.json", SHADOW_NONE, SHADOW_NONE, 2, 3 },
	{ "/usr/bin/b", "default", "x86_64", "0.json", SHADOW_NONE, SHADOW_NONE, 5, 0 },
};
static const struct object_desc bundle_objects[] = {
	{ .path = "/lib/x",
	  .buildid = { 2, { 1, 2 } },
	  .wanted_bytes = 40960,
	  .state = OBJECT_VALID,
	  .identity = { 3, 40960, 5, 6 } },
	{ .path = "/usr/bin/a",
	  .wanted_bytes = 8192,
	  .state = OBJECT_VALID,
	  .storage = STORAGE_NETWORK,
	  .identity = { 4, 8192, 5, 6 } },
};
static const struct extent_desc bundle_extents[] = {
	{ 1, 0, 2, 0 },
	{ 0, 3, 4, 1 },
	/* the other one */
	{ 0, 4, 2, 0 },
	{ 0, 0, 1, 3 },
	{ 1, 1, 1, 3 },
};

static void test_bundle_rules(void **state)
{
	struct launch_desc l[3];
	struct object_desc o[2];
	struct extent_desc e[5];
	struct shadow_desc d;

	(void)state;
#define REFUSED(...)                                                                       \
	do {                                                                               \
		d = (struct shadow_desc){ SHADOW_KIND_BUNDLE, l, o, e, 3, 2, 5 };          \
		memcpy(l, bundle_launches, sizeof(l));                                     \
		memcpy(o, bundle_objects, sizeof(o));                                      \
		memcpy(e, bundle_extents, sizeof(e));                                      \
		assert_int_equal(write_and_free(&d), 0);                                   \
		__VA_ARGS__;                                                               \
		assert_int_equal(write_and_free(&d), -EINVAL);                             \
	} while (0)
	REFUSED(l[1].name = "1.json"); /* order by name, each once */
	REFUSED(l[1].name = "0.json");
	REFUSED(l[0].program = "/usr/bin/c");
	REFUSED(l[0].name = "");
	REFUSED(l[0].source = 0);
	REFUSED(l[0].n_extents = 1);
	REFUSED(l[2].n_extents = 1);
	REFUSED(l[1].first_extent = 1);
	REFUSED(o[1].path = "/lib/x"); /* in one state only */
	REFUSED(o[0].state = OBJECT_STALE);
	REFUSED(o[0].state = OBJECT_FILESYSTEM); /* told by UUID and size alone */
	REFUSED(o[0].path = "/");
	REFUSED(e[0].n_pages = 0);
	REFUSED(e[0].n_pages = 3); /* past the end */
	REFUSED(e[1].first_pgno = 7);
	REFUSED(e[1].when = LIMIT_WHEN + 1);
	REFUSED(e[0].when = 2); /* order, within each launch */
	REFUSED(e[4].when = 2);
	REFUSED(e[3].object = 1; e[3].first_pgno = 1);
	REFUSED(d.n_eager = 1);
	REFUSED(d.kind = SHADOW_KIND_SHADOW);
	REFUSED(d.kind = SHADOW_KIND_INDEX);
	REFUSED(d.kind = SHADOW_KIND_OWN);
#undef REFUSED
	d = (struct shadow_desc){ SHADOW_KIND_BUNDLE, l, o, e, 3, 2, 5 };
	memcpy(l, bundle_launches, sizeof(l));
	memcpy(o, bundle_objects, sizeof(o));
	memcpy(e, bundle_extents, sizeof(e));
	keep("bundle", &d);
}

/* Bytes of a bundle, one of whose numbers is changed: no chains. */
static void test_bundle_has_no_chains(void **state)
{
	const struct shadow_desc d = {
		SHADOW_KIND_BUNDLE, bundle_launches, bundle_objects, bundle_extents, 3, 2, 5
	};
	struct shadow_object *o;
	struct shadow_extent *e;
	uint8_t *data;
	size_t bytes;

	(void)state;
	assert_int_equal(shadow_write(&d, &data, &bytes), 0);
	o = (struct shadow_object *)(data + sizeof(struct shadow_header) +
				     3 * sizeof(struct shadow_launch));
	e = (struct shadow_extent *)(o + 2);
	o[1].first_extent = le32_make(0);
	mend(data, bytes);
	assert_int_equal(parse(data, bytes), -EBADMSG);
	o[1].first_extent = le32_make(SHADOW_NONE);
	e[2].next = le32_make(3);
	mend(data, bytes);
	assert_int_equal(parse(data, bytes), -EBADMSG);
	e[2].next = le32_make(SHADOW_NONE);
	mend(data, bytes);
	assert_int_equal(parse(data, bytes), 0);
	free(data);
}

static void test_bundle_take(void **state)
{
	struct extent_desc e[5];
	struct shadow_desc d = {
		SHADOW_KIND_BUNDLE, bundle_launches, bundle_objects, e, 3, 2, 5
	};
	_cleanup_(shadow_buffer_done) struct shadow_buffer bundle = { 0 }, taken = { 0 };
	const struct shadow *s = &taken.shadow;
	uint32_t first;
	uint8_t *data;
	size_t bytes;

	(void)state;
	memcpy(e, bundle_extents, sizeof(e));
	assert_int_equal(shadow_write(&d, &data, &bytes), 0);
	assert_int_equal(shadow_buffer_parse(data, bytes, SHADOW_KIND_BUNDLE, &bundle), 0);
	assert_int_equal(bundle_find(&bundle.shadow, "/usr/bin/a", &first), 2);
	assert_int_equal(first, 0);
	assert_int_equal(bundle_find(&bundle.shadow, "/usr/bin/b", &first), 1);
	assert_int_equal(first, 2);
	assert_int_equal(bundle_find(&bundle.shadow, "/usr/bin", &first), 0);
	assert_int_equal(bundle_find(&bundle.shadow, "/usr/bin/c", &first), 0);

	assert_int_equal(bundle_take(&bundle.shadow, 1, &taken), 0);
	assert_int_equal(s->kind, SHADOW_KIND_SHADOW);
	assert_int_equal(s->n_objects, 2);
	assert_int_equal(s->n_extents, 3);
	assert_string_equal(shadow_string(s, s->launches[0].scenario), "other");
	assert_string_equal(shadow_string(s, s->objects[0].path), "/lib/x");
	assert_int_equal(s->objects[0].buildid_bytes, 2);
	assert_int_equal(le64_get(s->objects[1].ino), 4);
	assert_int_equal(s->objects[1].storage, STORAGE_NETWORK);
	assert_int_equal(le32_get(s->extents[0].first_pgno), 4);
	assert_int_equal(le32_get(s->extents[2].object), 1);
	assert_int_equal(le32_get(s->objects[0].first_extent), 1); /* a chain of its own */
	shadow_buffer_done(&taken);

	assert_int_equal(bundle_take(&bundle.shadow, 2, &taken), 0);
	assert_int_equal(s->n_objects + s->n_extents, 0);
	shadow_buffer_done(&taken);
	shadow_buffer_done(&bundle);

	/* Extents that overlap are no shadow. */
	e[3].n_pages = 5;
	assert_int_equal(shadow_write(&d, &data, &bytes), 0);
	assert_int_equal(shadow_buffer_parse(data, bytes, SHADOW_KIND_BUNDLE, &bundle), 0);
	assert_int_equal(bundle_take(&bundle.shadow, 1, &taken), -EINVAL);
	assert_int_equal(bundle_take(&bundle.shadow, 0, &taken), 0);
}

static void test_lookups(void **state)
{
	static const char *const good[] = {
		"/", SHADOW_LISTED, "!", "etc", "/usr", "lib", "/usr/lib", SHADOW_LISTED
	};
	static const struct {
		uint32_t at;
		const char *string;
	} bad[] = {
		{ 0, "lib" },	      /* no directory before it */
		{ 1, "/a" },	      /* a directory without a name */
		{ 2, SHADOW_LISTED }, /* twice */
		{ 3, "!" },	      /* twice */
		{ 3, " " },	      /* not in order */
		{ 3, SHADOW_LISTED }, /* not in order */
		{ 3, ".." },
		{ 3, "a/b" },
		{ 3, "" },
		{ 4, "/" }, /* twice */
		{ 4, "/usr/" },
		{ 4, "/../usr" },
		{ 6, "/uss" }, /* not in order, with what comes next */
		{ 7, "/z" },   /* a directory without a name */
	};
	const char *strings[ARRAY_SIZE(good)], *name;
	struct launch_desc one = launch;
	struct shadow_desc d = { SHADOW_KIND_SHADOW, &one, objects, extents, 1, N_OBJECTS,
				 ARRAY_SIZE(extents) };
	_cleanup_free_ uint8_t *data = NULL;
	struct shadow_lookups l;
	char text[256] = "";
	struct shadow s;
	size_t bytes;

	(void)state;
	one.lookups = strings;
	one.n_lookups = ARRAY_SIZE(good);
	memcpy(strings, good, sizeof(good));
	keep("lookups", &d);
	assert_int_equal(shadow_write(&d, &data, &bytes), 0);
	assert_int_equal(shadow_parse(data, bytes, &s), 0);
	l = shadow_lookups(&s);
	while ((name = shadow_lookups_next(&l)))
		sprintf(text + strlen(text), "%s %s;", l.dir, name);
	assert_string_equal(text, "/ .;/ !;/ etc;/usr lib;/usr/lib .;");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memcpy(strings, good, sizeof(good));
		strings[bad[i].at] = bad[i].string;
		/* "/uss" alone would be in order. */
		if (bad[i].at == 6)
			strings[4] = "/ust";
		if (write_and_free(&d) != -EINVAL)
			fail_msg("bad lookup %zu", i);
	}
	memcpy(strings, good, sizeof(good));
	one.n_lookups--; /* the last directory without a name */
	assert_int_equal(write_and_free(&d), -EINVAL);
	one.n_lookups++;
	d.kind = SHADOW_KIND_PACK;
	d.n_extents = 0;
	assert_int_equal(write_and_free(&d), -EINVAL);
}

/* Each launch of a bundle has its own, or none. */
static void test_bundle_lookups(void **state)
{
	static const char *const first[] = { "/etc", "a", "b" }, *const last[] = { "/",
										   "x" };
	static const struct damage damages[] = {
		{ BUNDLE_LAUNCH(0, source), 4, SHADOW_NONE },
		{ BUNDLE_LAUNCH(0, target), 4, SHADOW_NONE },
		{ BUNDLE_LAUNCH(0, target), 4, 0 },
		{ BUNDLE_LAUNCH(0, target), 4, 2 }, /* and one that is nobody's */
		{ BUNDLE_LAUNCH(0, target), 4, 4 },
		{ BUNDLE_LAUNCH(1, target), 4, 0 },
		{ BUNDLE_LAUNCH(1, source), 4, 0 },
		{ BUNDLE_LAUNCH(2, target), 4, 3 },
		{ HEADER(n_lookups), 4, 4 },
		{ HEADER(n_lookups), 4, 6 },
	};
	struct launch_desc l[3];
	struct shadow_desc d = {
		SHADOW_KIND_BUNDLE, l, bundle_objects, bundle_extents, 3, 2, 5
	};
	_cleanup_(shadow_buffer_done) struct shadow_buffer bundle = { 0 }, taken = { 0 };
	struct shadow_lookups names;
	uint8_t *data;
	size_t bytes;

	(void)state;
	memcpy(l, bundle_launches, sizeof(l));
	l[0].lookups = first;
	l[0].n_lookups = 3;
	l[2].lookups = last;
	l[2].n_lookups = 2;
	keep("bundle-lookups", &d);
	assert_int_equal(shadow_write(&d, &data, &bytes), 0);
	refuse_all_of(data, bytes, damages, ARRAY_SIZE(damages));
	assert_int_equal(shadow_buffer_parse(data, bytes, SHADOW_KIND_BUNDLE, &bundle), 0);
	assert_int_equal(bundle.shadow.n_lookups, 5);
	assert_int_equal(bundle_take(&bundle.shadow, 0, &taken), 0);
	names = shadow_lookups(&taken.shadow);
	assert_string_equal(shadow_lookups_next(&names), "a");
	assert_string_equal(names.dir, "/etc");
	assert_string_equal(shadow_lookups_next(&names), "b");
	assert_null(shadow_lookups_next(&names));
	shadow_buffer_done(&taken);
	assert_int_equal(bundle_take(&bundle.shadow, 1, &taken), 0);
	assert_int_equal(taken.shadow.n_lookups, 0);
	shadow_buffer_done(&taken);
	assert_int_equal(bundle_take(&bundle.shadow, 2, &taken), 0);
	names = shadow_lookups(&taken.shadow);
	assert_string_equal(shadow_lookups_next(&names), "x");
	assert_null(shadow_lookups_next(&names));
}

/* A launch's file: a shadow, and places behind it. */
static void test_launch_file(void **state)
{
	struct object_desc place = { .path = "/",
				     .state = OBJECT_VALID,
				     .buildid.n_bytes = SHADOW_UUID_BYTES,
				     .wanted_bytes = 1 << 20,
				     .identity.size_bytes = 1 << 20 };
	struct extent_desc e = { 0, 3, 2, 1 };
	struct shadow_desc d = { SHADOW_KIND_PLACES, NULL, &place, &e, 0, 1, 1 };
	_cleanup_free_ uint8_t *behind = NULL, *both = NULL;
	struct shadow s, places;
	size_t bytes;

	(void)state;
	assert_int_equal(shadow_write(&d, &behind, &bytes), 0);
	both = malloc(base_bytes + bytes + 1);
	memcpy(both, base, base_bytes);
	memcpy(both + base_bytes, behind, bytes);
	assert_int_equal(shadow_parse_launch(base, base_bytes, &s, &places), 0);
	assert_int_equal(places.n_extents, 0);
	assert_int_equal(shadow_parse_launch(both, base_bytes + bytes, &s, &places), 0);
	assert_int_equal(s.n_objects, N_OBJECTS);
	assert_int_equal(places.n_extents, 1);
	assert_string_equal(shadow_string(&places, places.objects[0].path), "/");
	for (size_t n = 0; n < base_bytes + bytes; n++)
		if (n != base_bytes)
			assert_int_equal(shadow_parse_launch(both, n, &s, &places),
					 -EBADMSG);
	assert_int_equal(shadow_parse_launch(both, base_bytes + bytes + 1, &s, &places),
			 -EBADMSG);
	both[base_bytes + bytes - 1] ^= 1;
	assert_int_equal(shadow_parse_launch(both, base_bytes + bytes, &s, &places),
			 -EBADMSG);
	/* Nothing else may come behind a shadow, nor places first. */
	memcpy(both, behind, bytes);
	memcpy(both + bytes, base, base_bytes);
	assert_int_equal(shadow_parse_launch(both, base_bytes + bytes, &s, &places),
			 -EBADMSG);
	assert_int_equal(shadow_parse_launch(NULL, 0, &s, &places), -EBADMSG);
}

static void test_slice(void **state)
{
	struct shadow_desc d = pack_desc();
	struct shadow s, slice;
	uint8_t *data;
	size_t bytes;

	(void)state;
	d.n_eager = 3;
	assert_int_equal(shadow_write(&d, &data, &bytes), 0);
	assert_int_equal(shadow_parse(data, bytes, &s), 0);
	assert_int_equal(s.n_eager, 3);
	slice = shadow_slice(&s, 0, s.n_eager);
	assert_ptr_equal(slice.extents, s.extents);
	assert_int_equal(slice.n_extents, 3);
	slice = shadow_slice(&s, s.n_eager, s.n_extents);
	assert_ptr_equal(slice.extents, s.extents + 3);
	assert_int_equal(slice.n_extents, 1);
	assert_int_equal(shadow_count_pages(&slice), le32_get(s.extents[3].n_pages));
	assert_int_equal(shadow_slice(&s, 4, 4).n_extents, 0);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_fields),
		cmocka_unit_test(test_launch_fields),
		cmocka_unit_test(test_object_fields),
		cmocka_unit_test(test_extent_fields),
		cmocka_unit_test(test_free_fields),
		cmocka_unit_test(test_other_versions),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_bytes_behind_the_end),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_round_trip_at_any_alignment),
		cmocka_unit_test(test_chain_lists_an_object_by_page),
		cmocka_unit_test(test_bytes_of_version_1),
		cmocka_unit_test(test_writer_refuses_what_the_reader_refuses),
		cmocka_unit_test(test_objects_differ_by_size_alone),
		cmocka_unit_test(test_last_page_number),
		cmocka_unit_test(test_a_shadow_has_one_launch),
		cmocka_unit_test(test_limits_of_strings),
		cmocka_unit_test(test_limits_of_files),
		cmocka_unit_test(test_packs),
		cmocka_unit_test(test_pack_fields),
		cmocka_unit_test(test_pack_of_many_launches),
		cmocka_unit_test(test_indexes),
		cmocka_unit_test(test_dependencies),
		cmocka_unit_test(test_dependencies_are_no_chains),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_bundle_rules),
		cmocka_unit_test(test_bundle_has_no_chains),
		cmocka_unit_test(test_bundle_take),
		cmocka_unit_test(test_bundle_lookups),
		cmocka_unit_test(test_slice),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_launch_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
