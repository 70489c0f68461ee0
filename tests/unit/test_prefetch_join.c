/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "prefetch-join.h"
#include "shadow-write.h"

#define HOLE JOIN_HOLE_PAGES

/* In the order of first touch, as in a shadow. */
static const struct extent_desc extents[] = {
	{ 0, 100, 2, 0 },	 /* in the middle of a piece */
	{ 1, 7, 1, 0 },		 /* the other file */
	{ 0, 102 + HOLE, 3, 1 }, /* behind it, with the longest hole */
	{ 0, 10, 1, 2 },	 /* alone: 1 too far before the next */
	{ 1, 8 + HOLE, 1, 3 },
	{ 0, 11 + HOLE + 1, 57 - HOLE, 4 }, /* ends 32 pages before the first one */
};

static struct join *join(enum storage_class c, struct shadow *ret, uint8_t **ret_data)
{
	const struct launch_desc launch = { .program = "/p",
					    .scenario = "default",
					    .arch = "x86_64",
					    .name = "",
					    .source = SHADOW_NONE,
					    .target = SHADOW_NONE,
					    .n_extents = ARRAY_SIZE(extents) };
	const struct object_desc objects[] = {
		{ .path = "/a",
		  .wanted_bytes = 1 << 20,
		  .state = OBJECT_VALID,
		  .storage = c,
		  .identity = { 1, 1 << 20, 0, 0 } },
		{ .path = "/b",
		  .wanted_bytes = 1 << 20,
		  .state = OBJECT_VALID,
		  .storage = STORAGE_FLASH,
		  .identity = { 2, 1 << 20, 0, 0 } },
	};
	const struct shadow_desc d = { SHADOW_KIND_SHADOW, &launch, objects, extents, 1, 2,
				       ARRAY_SIZE(extents) };
	struct join *joins;
	size_t bytes;

	assert_int_equal(shadow_write(&d, ret_data, &bytes), 0);
	assert_int_equal(shadow_parse(*ret_data, bytes, ret), 0);
	assert_int_equal(join_extents(ret, &joins), 0);
	return joins;
}

static void test_pieces(void **state)
{
	uint8_t *data;
	struct shadow s;
	struct join *j = join(STORAGE_ROTATIONAL, &s, &data);
	const struct join want[] = {
		{ 5, 0, SHADOW_NONE }, { 1, 1, SHADOW_NONE },
		{ 5, 0, SHADOW_NONE }, { 3, 1, SHADOW_NONE },
		{ 4, 1, SHADOW_NONE }, { 5, 102 + HOLE + 3 - 12 - HOLE, SHADOW_NONE },
	};

	(void)state;
	assert_non_null(j);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(j[i].leader, want[i].leader);
		assert_int_equal(j[i].n_pages, want[i].n_pages);
		assert_int_equal(j[i].below, want[i].below);
	}
	free(j);
	free(data);
}

/* In the first MiB of /a, from the end: 5 with 0 and 2, and 3. The other file is none of an image's. */
static void test_windows_of_an_image(void **state)
{
	uint8_t *data;
	struct shadow s;
	struct join *j = join(STORAGE_IMAGE, &s, &data);
	const struct join want[] = {
		{ 5, 0, SHADOW_NONE }, { 1, 1, SHADOW_NONE },
		{ 5, 0, SHADOW_NONE }, { 5, 1, SHADOW_NONE },
		{ 4, 1, SHADOW_NONE }, { 5, 102 + HOLE + 3 - 12 - HOLE, 3 },
	};

	(void)state;
	assert_non_null(j);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(j[i].leader, want[i].leader);
		assert_int_equal(j[i].n_pages, want[i].n_pages);
		assert_int_equal(j[i].below, want[i].below);
	}
	free(j);
	free(data);
}

/* A window ends after 256 pages; an extent belongs to that in which it begins. */
static void test_windows_end(void **state)
{
	static const struct extent_desc some[] = {
		{ 0, 0, 1, 0 },
		{ 0, 255, 9, 0 },
		{ 0, 300, 1, 0 },
		{ 0, 512, 1, 1 },
	};
	const struct launch_desc launch = { "/p", "default",	   "x86_64",
					    "",	  SHADOW_NONE,	   SHADOW_NONE,
					    0,	  ARRAY_SIZE(some) };
	const struct object_desc object = { .path = "/a",
					    .wanted_bytes = 4 << 20,
					    .state = OBJECT_VALID,
					    .storage = STORAGE_IMAGE,
					    .identity = { 1, 4 << 20, 0, 0 } };
	const struct shadow_desc d = { SHADOW_KIND_SHADOW, &launch, &object, some, 1, 1,
				       ARRAY_SIZE(some) };
	static const uint32_t leaders[] = { 1, 1, 2, 3 };
	struct join *j;
	struct shadow s;
	uint8_t *data;
	size_t bytes;

	(void)state;
	assert_int_equal(shadow_write(&d, &data, &bytes), 0);
	assert_int_equal(shadow_parse(data, bytes, &s), 0);
	assert_int_equal(join_extents(&s, &j), 0);
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		assert_int_equal(j[i].leader, leaders[i]);
	assert_int_equal(j[1].below, 0);
	free(j);
	free(data);
}

static void test_nothing_to_join_elsewhere(void **state)
{
	uint8_t *data;
	struct shadow s;

	(void)state;
	assert_null(join(STORAGE_FLASH, &s, &data));
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_windows_of_an_image),
		cmocka_unit_test(test_windows_end),
		cmocka_unit_test(test_nothing_to_join_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
