/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "compile-shadow.h"
#include "shadow-read.h"

#define SIZE (UINT64_C(100) * PAGE_BYTES)

static struct profile *p;
static struct file_facts facts[8];
static uint8_t *data;
static struct shadow s;

static int start(void **state)
{
	(void)state;
	p = profile_new();
	if (!p)
		return -1;
	p->program = strdup("/usr/bin/p");
	p->scenario = strdup("default");
	p->arch = strdup("x86_64");
	p->method = strdup("uffd");
	p->kernel = strdup("6.18");
	p->n_runs = 10;
	p->window_ms = 4000;
	memset(facts, 0, sizeof(facts));
	return 0;
}

static int end(void **state)
{
	(void)state;
	profile_free(p);
	free(data);
	data = NULL;
	return 0;
}

/* The next object, with build-id ID (0: a data file), and a file that is the trained one. */
static struct profile_object *add(const char *path, uint8_t id)
{
	struct file_facts *f = &facts[p->n_objects];
	struct profile_object *o = profile_add_object(p);

	assert_non_null(o);
	o->path = strdup(path);
	o->size_bytes = SIZE;
	if (id)
		assert_int_equal(buildid_from_bytes(&id, 1, &o->buildid), 0);
	*f = (struct file_facts){ .identity = { 1, SIZE, 2, 3 },
				  .buildid = o->buildid,
				  .storage = STORAGE_FLASH };
	return o;
}

static void add_run(struct profile_object *o, uint32_t first, uint32_t n, uint32_t runs,
		    uint32_t when)
{
	const struct page_run run = { first, n, runs, when };

	assert_int_equal(pageset_append(&o->pages, &run), 0);
}

static void compile(void)
{
	size_t bytes;

	free(data);
	data = NULL;
	assert_int_equal(compile_profile(p, p->program, facts, &data, &bytes), 0);
	assert_int_equal(shadow_parse(data, bytes, &s), 0);
	assert_int_equal(s.n_objects, p->n_objects);
}

static enum object_state state_of(uint32_t i)
{
	compile();
	return (enum object_state)s.objects[i].state;
}

static void check_extent(uint32_t i, uint32_t object, uint32_t first, uint32_t n)
{
	assert_true(i < s.n_extents);
	assert_int_equal(le32_get(s.extents[i].object), object);
	assert_int_equal(le32_get(s.extents[i].first_pgno), first);
	assert_int_equal(le32_get(s.extents[i].n_pages), n);
}

static void build_id_decides(void **state)
{
	(void)state;
	add_run(add("/usr/bin/p", 7), 0, 4, 10, 0);
	assert_int_equal(state_of(0), OBJECT_VALID);
	/* Another size is as good, as long as it is the same build. */
	facts[0].identity.size_bytes = SIZE / 2;
	assert_int_equal(state_of(0), OBJECT_VALID);
	facts[0].identity.size_bytes = 0;
	assert_int_equal(state_of(0), OBJECT_STALE);
	facts[0].identity.size_bytes = SIZE;
	facts[0].buildid.bytes[0] = 8;
	assert_int_equal(state_of(0), OBJECT_STALE);
	facts[0].buildid = (struct buildid){ 0 };
	assert_int_equal(state_of(0), OBJECT_STALE);
	assert_int_equal(s.n_extents, 0);
}

static void size_decides_for_data(void **state)
{
	(void)state;
	add_run(add("/usr/share/d", 0), 0, 4, 10, 0);
	assert_int_equal(state_of(0), OBJECT_VALID);
	facts[0].identity.size_bytes = SIZE + 1;
	assert_int_equal(state_of(0), OBJECT_STALE);
	/* A small one is read whole. */
	facts[0].identity.size_bytes = LIMIT_WHOLE_DATA_BYTES + 1;
	assert_int_equal(state_of(0), OBJECT_STALE);
	facts[0].identity.size_bytes = LIMIT_WHOLE_DATA_BYTES;
	assert_int_equal(state_of(0), OBJECT_WHOLE);
	assert_int_equal(s.n_extents, 1);
	check_extent(0, 0, 0, LIMIT_WHOLE_DATA_BYTES / PAGE_BYTES);
	/* An empty one has no page. */
	facts[0].identity.size_bytes = 0;
	assert_int_equal(state_of(0), OBJECT_STALE);
}

static void what_is_not_there_is_not_read(void **state)
{
	static const struct {
		int error;
		enum object_state state;
	} cases[] = {
		{ -ENOENT, OBJECT_MISSING },  { -ENOTDIR, OBJECT_MISSING },
		{ -EINVAL, OBJECT_UNUSABLE }, { -EREMOTE, OBJECT_UNUSABLE },
		{ -EACCES, OBJECT_UNUSABLE },
	};

	(void)state;
	add_run(add("/usr/bin/p", 7), 0, 4, 10, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		facts[0].error = cases[i].error;
		assert_int_equal(state_of(0), cases[i].state);
		assert_int_equal(s.n_extents, 0);
		/* Of a missing file nothing is written that may differ by chance. */
		assert_int_equal(le64_get(s.objects[0].ino),
				 cases[i].state == OBJECT_MISSING ? 0 : 1);
		assert_int_equal(s.objects[0].storage, cases[i].state == OBJECT_MISSING
							       ? STORAGE_ROTATIONAL
							       : STORAGE_FLASH);
	}
}

static void order_is_that_of_first_touch(void **state)
{
	struct profile_object *a, *b;

	(void)state;
	a = add("/a", 1);
	add_run(a, 0, 1, 10, 9);
	add_run(a, 40, 1, 10, 2);
	add_run(a, 80, 1, 10, 5);
	b = add("/b", 2);
	add_run(b, 0, 2, 10, 5);
	add_run(b, 60, 2, 10, 1);
	compile();
	assert_int_equal(s.n_extents, 5);
	check_extent(0, 1, 60, 2);
	check_extent(1, 0, 40, 1);
	check_extent(2, 0, 80, 1); /* touched together: by object, then by page */
	check_extent(3, 1, 0, 2);
	check_extent(4, 0, 0, 1);
}

static void pages_past_the_end_are_left_out(void **state)
{
	struct profile_object *o;

	(void)state;
	o = add("/a", 1);
	add_run(o, 10, 80, 10, 0);
	facts[0].identity.size_bytes = 20 * PAGE_BYTES + 1;
	compile();
	assert_int_equal(s.n_extents, 1);
	check_extent(0, 0, 10, 11);
}

static void whole_files_come_when_first_touched(void **state)
{
	struct profile_object *o;

	(void)state;
	o = add("/d", 0);
	add_run(o, 0, 1, 10, 8);
	add_run(o, 50, 1, 10, 3);
	add_run(o, 70, 1, 10, 5);
	facts[0].identity.size_bytes = PAGE_BYTES + 1;
	/* One that the launch opened and did not read is not read either. */
	add("/e", 0);
	facts[1].identity.size_bytes = PAGE_BYTES;
	compile();
	assert_int_equal(s.n_extents, 1);
	check_extent(0, 0, 0, 2);
	assert_int_equal(le32_get(s.extents[0].when), 3);
}

static void of_one_path_one_is_read(void **state)
{
	(void)state;
	/* Three sizes of a small file, which is the second of them; two of one that is none. */
	for (uint8_t i = 0; i < 5; i++) {
		struct profile_object *o = add(i < 3 ? "/a" : "/b", 0);

		o->size_bytes = (uint64_t)(i + 1) * PAGE_BYTES;
		add_run(o, 0, 1, 10, i);
		facts[i].identity.size_bytes = i < 3 ? 2 * PAGE_BYTES : 9 * PAGE_BYTES;
	}
	/* The same build in two sizes, which tools make that strip. */
	add_run(add("/c", 7), 0, 1, 10, 6);
	p->objects[5].size_bytes = SIZE / 2;
	add_run(add("/c", 7), 0, 1, 10, 7);
	assert_int_equal(state_of(0), OBJECT_STALE);
	assert_int_equal(s.objects[1].state, OBJECT_VALID);
	assert_int_equal(s.objects[2].state, OBJECT_STALE);
	assert_int_equal(s.objects[3].state, OBJECT_WHOLE);
	assert_int_equal(s.objects[4].state, OBJECT_STALE);
	assert_int_equal(s.objects[5].state, OBJECT_VALID);
	assert_int_equal(s.objects[6].state, OBJECT_STALE);
	assert_int_equal(s.n_extents, 3);
	check_extent(0, 1, 0, 1);
	check_extent(1, 3, 0, 9);
	check_extent(2, 5, 0, 1);
}

static void dump_is_what_compiles_to_the_same(void **state)
{
	_cleanup_(profile_freep) struct profile *dumped = NULL;
	_cleanup_free_ uint8_t *again = NULL;
	struct profile_object *o;
	size_t bytes;

	(void)state;
	o = add("/a", 1);
	add_run(o, 0, 3, 10, 4);
	add_run(o, 50, 2, 10, 1);
	add_run(add("/b", 0), 99, 1, 10, 6);
	facts[1].identity.size_bytes = 3 * PAGE_BYTES; /* whole, and shorter than trained */
	compile();
	assert_int_equal(compile_dump(&s, &dumped), 0);
	assert_int_equal(dumped->n_objects, 2);
	assert_int_equal(pageset_count(&dumped->objects[0].pages), 5);
	assert_int_equal(dumped->window_ms, DIV_ROUND_UP(when_end_us(6), 1000));
	assert_int_equal(compile_profile(dumped, dumped->program, facts, &again, &bytes),
			 0);
	assert_memory_equal(again, data, bytes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(build_id_decides),
		TEST(size_decides_for_data),
		TEST(what_is_not_there_is_not_read),
		TEST(order_is_that_of_first_touch),
		TEST(pages_past_the_end_are_left_out),
		TEST(whole_files_come_when_first_touched),
		TEST(of_one_path_one_is_read),
		TEST(dump_is_what_compiles_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
