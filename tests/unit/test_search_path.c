/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "macro.h"
#include "search-path.h"

static char dir[] = "/var/tmp/elfcast-test-path-XXXXXX";

/* In DIR: a/p may not be executed, b/p is a directory, c/p and d/p may, d/q too. */
static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	return system(
		"mkdir -p a b/p c d && touch a/p c/p d/p d/q && chmod 755 c/p d/p d/q && "
		"chmod 644 a/p"); /* NOLINT: a shell is the tool for it */
}

static int teardown(void **state)
{
	char command[64] = "rm -rf ";

	(void)state;
	return system(strcat(command, dir)); /* NOLINT */
}

static void check(const char *path, const char *command, int error, const char *expected)
{
	_cleanup_free_ char *found = NULL;

	if (path)
		setenv("PATH", path, 1);
	else
		unsetenv("PATH");
	assert_int_equal(search_path_find(command, &found), error);
	if (expected)
		assert_string_equal(found, expected);
}

static void first_that_may_be_executed(void **state)
{
	(void)state;
	check("a:none:b:c:d", "p", 0, "c/p");
	check("d:c", "p", 0, "d/p");
	check("a:b:d", "q", 0, "d/q");
	check("c", "q", -ENOENT, NULL);
	check("a:b", "p", -EACCES, NULL);
	check("a:none", "p", -EACCES, NULL);
	check("none", "", -ENOENT, NULL);
}

static void empty_parts_are_here(void **state)
{
	(void)state;
	assert_int_equal(chdir("d"), 0);
	check("", "q", 0, "./q");
	check("none:", "q", 0, "./q");
	check(":none", "q", 0, "./q");
	check("none::other", "q", 0, "./q");
	check("none", "q", -ENOENT, NULL);
	assert_int_equal(chdir(".."), 0);
}

static void slash_means_no_search(void **state)
{
	(void)state;
	check("d", "c/p", 0, "c/p");
	check("d", "./q", -ENOENT, NULL);
	check("d", "a/p", -EACCES, NULL);
	check("d", "b/p", -EACCES, NULL);
}

static void without_a_path_there_is_the_library_s(void **state)
{
	(void)state;
	check(NULL, "sh", 0, "/bin/sh");
	check(NULL, "p", -ENOENT, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_that_may_be_executed),
		cmocka_unit_test(empty_parts_are_here),
		cmocka_unit_test(slash_means_no_search),
		cmocka_unit_test(without_a_path_there_is_the_library_s),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
