/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "macro.h"
#include "names.h"

static void add_all(struct name_list *l, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(name_list_add(l, names[i]), 0);
}

static void test_sorted(void **state)
{
	static const char *const names[] = { "b", "a", "c", "a", "", "b\xff", "b" };
	_cleanup_(name_list_done) struct name_list l = { 0 };

	(void)state;
	assert_false(name_list_has(&l, "a"));
	add_all(&l, names, ARRAY_SIZE(names));
	name_list_sort(&l);
	assert_int_equal(l.n, ARRAY_SIZE(names));
	assert_string_equal(l.names[0], "");
	assert_string_equal(l.names[6], "c");
	name_list_sort_unique(&l);
	assert_int_equal(l.n, 5);
	assert_string_equal(l.names[2], "b");
	assert_string_equal(l.names[3], "b\xff");
	assert_true(name_list_has(&l, "c"));
	assert_true(name_list_has(&l, ""));
	assert_false(name_list_has(&l, "bb"));
}

static void test_parts(void **state)
{
	_cleanup_(name_list_done) struct name_list l = { 0 };

	(void)state;
	name_list_sort_unique(&l);
	assert_int_equal(name_list_add_bytes(&l, "git status", 3), 0);
	assert_string_equal(l.names[0], "git");
	name_list_done(&l);
	assert_int_equal(l.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
