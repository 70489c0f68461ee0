/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A shadow that a program brings along, at another place than where it was made. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bundle.h"
#include "macro.h"
#include "shadow-write.h"

enum { N = 4 };

static struct object_desc object(const char *path)
{
	return (struct object_desc){
		.path = path,
		.buildid = { .n_bytes = 1, .bytes = { (uint8_t)path[1] } },
		.wanted_bytes = 40960,
		.state = OBJECT_VALID,
		.storage = STORAGE_FLASH,
		.identity.size_bytes = 40960,
	};
}

/* Of /m: it, /c, /f, /z; all touched at once, /z first; and /q, of which nothing is read. */
static void make(struct shadow *ret, uint8_t **ret_data)
{
	const struct object_desc objects[] = { object("/c"), object("/f"), object("/m"),
					       object("/q"), object("/z") };
	const struct extent_desc extents[] = {
		{ 4, 1, 2, 0 }, { 0, 3, 1, 1 }, { 1, 4, 1, 1 },
		{ 2, 0, 5, 1 }, { 2, 6, 1, 2 },
	};
	const struct launch_desc launch = { .program = "/m",
					    .scenario = "default",
					    .arch = "x86_64",
					    .name = "",
					    .source = SHADOW_NONE,
					    .target = SHADOW_NONE,
					    .n_extents = ARRAY_SIZE(extents) };
	size_t bytes;

	assert_int_equal(
		shadow_write(&(struct shadow_desc){ .kind = SHADOW_KIND_SHADOW,
						    .launches = &launch,
						    .n_launches = 1,
						    .objects = objects,
						    .n_objects = ARRAY_SIZE(objects),
						    .extents = extents,
						    .n_extents = ARRAY_SIZE(extents) },
			     ret_data, &bytes),
		0);
	assert_int_equal(shadow_parse_kind(*ret_data, bytes, SHADOW_KIND_SHADOW, ret), 0);
}

static void check_moved(const char *to, const char *const order[N])
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer b = { 0 };
	uint8_t *data;
	struct shadow s;
	uint64_t pages = 0;

	make(&s, &data);
	assert_int_equal(shadow_take_brought(&s, to, STORAGE_NETWORK, &b), 0);
	free(data);
	assert_string_equal(shadow_string(&b.shadow, b.shadow.launches[0].program), to);
	assert_int_equal(b.shadow.n_objects, N);
	assert_int_equal(b.shadow.n_extents, 5);
	for (uint32_t i = 0; i < N; i++) {
		const struct shadow_object *o = &b.shadow.objects[i];

		assert_string_equal(shadow_string(&b.shadow, o->path), order[i]);
		assert_int_equal(o->storage, STORAGE_NETWORK);
	}
	/* Whose pages they are goes by the build-id, which has not moved. */
	for (uint32_t i = 0; i < b.shadow.n_extents; i++) {
		const struct shadow_extent *e = &b.shadow.extents[i];
		uint8_t id = b.shadow.objects[le32_get(e->object)].buildid[0];

		switch (le32_get(e->first_pgno)) {
		case 0:
		case 6:
			assert_int_equal(id, 'm');
			pages += le32_get(e->n_pages);
			break;
		case 1:
			assert_int_equal(id, 'z');
			break;
		case 3:
			assert_int_equal(id, 'c');
			break;
		default:
			assert_int_equal(id, 'f');
		}
	}
	assert_int_equal(pages, 6);
}

static void test_stays(void **state)
{
	(void)state;
	check_moved("/m", (const char *const[N]){ "/c", "/f", "/m", "/z" });
}

static void test_moves(void **state)
{
	(void)state;
	check_moved("/a", (const char *const[N]){ "/a", "/c", "/f", "/z" });
	check_moved("/d", (const char *const[N]){ "/c", "/d", "/f", "/z" });
	check_moved("/y", (const char *const[N]){ "/c", "/f", "/y", "/z" });
	check_moved("/zz", (const char *const[N]){ "/c", "/f", "/z", "/zz" });
}

/* Both would be one file, and its pages asked for twice: as with two builds, one of them is it. */
static void test_place_is_taken(void **state)
{
	struct shadow_buffer b;
	struct shadow s;
	uint8_t *data;

	(void)state;
	make(&s, &data);
	assert_int_equal(shadow_take_brought(&s, "/z", STORAGE_FLASH, &b), 0);
	assert_int_equal(b.shadow.n_objects, N);
	shadow_buffer_done(&b);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_place_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
