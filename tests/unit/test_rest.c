/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object-open.h"
#include "rest.h"

enum { EAGER = 4, ALL = 6 };

/* Objects of the extents, the first EAGER being the boot's; their first pages are their places. */
static const uint32_t objects[ALL] = { 0, 1, 0, 2, 1, 3 };
static struct shadow_extent extents[ALL];

static struct shadow pack(void)
{
	for (uint32_t i = 0; i < ALL; i++) {
		extents[i].object = le32_make(objects[i]);
		extents[i].first_pgno = le32_make(i);
	}
	return (struct shadow){ .kind = SHADOW_KIND_PACK,
				.n_objects = 4,
				.n_extents = ALL,
				.n_eager = EAGER,
				.extents = extents };
}

static const char *list(struct shadow rest)
{
	static char text[64];

	text[0] = 0;
	assert_int_equal(rest.n_objects, 4);
	for (uint32_t i = 0; i < rest.n_extents; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u ",
			 le32_get(rest.extents[i].first_pgno));
	if (rest.extents < extents || rest.extents >= extents + ALL)
		free((void *)(uintptr_t)rest.extents);
	return text;
}

static const char *found(const uint8_t *skips)
{
	struct shadow s = pack(), rest;

	assert_int_equal(rest_find(&s, skips, &rest), 0);
	assert_int_equal(rest.n_eager, 0);
	return list(rest);
}

static const char *found_eager(const uint8_t *skips)
{
	struct shadow s = pack(), rest;

	assert_int_equal(rest_find_eager(&s, skips, &rest), 0);
	assert_int_equal(rest.n_eager, rest.n_extents);
	return list(rest);
}

static void test_rest(void **state)
{
	static const uint8_t read[] = { OBJECT_USED, OBJECT_USED, OBJECT_CHANGED,
					OBJECT_NO_PAGES };
	static const uint8_t later[] = { OBJECT_GONE, OBJECT_USED, OBJECT_NOT_LOCAL,
					 OBJECT_NO_PAGES };
	static const uint8_t reached[] = { OBJECT_NOT_REACHED, OBJECT_GONE, OBJECT_FAILED,
					   OBJECT_DENIED };

	(void)state;
	assert_string_equal(found(NULL), "4 5 ");
	assert_string_equal(found(read), "4 5 ");
	assert_string_equal(found(later), "0 2 3 4 5 ");
	assert_string_equal(found(reached), "1 4 5 ");
	assert_string_equal(found_eager(NULL), "0 1 2 3 ");
	assert_string_equal(found_eager(read), "");
	assert_string_equal(found_eager(later), "0 2 3 ");
	assert_string_equal(found_eager(reached), "0 1 2 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rest) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
