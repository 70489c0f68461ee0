/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "macro.h"

#define LONG_MS 60000u

static char *text;
static size_t n_bytes;

static int run(const char *script, size_t limit_bytes, unsigned ms)
{
	char sh[] = "/bin/sh", c[] = "-c";
	char *argv[] = { sh, c, strdup(script), NULL };
	int r;

	free(text);
	text = NULL;
	r = command_read(argv, limit_bytes, clock_in_ms(ms), &text, &n_bytes);
	free(argv[2]);
	return r;
}

static void test_all_of_it(void **state)
{
	(void)state;
	assert_int_equal(run("echo one; echo two", 8, LONG_MS), 0);
	assert_string_equal(text, "one\ntwo\n");
	assert_int_equal(n_bytes, 8);
	assert_int_equal(run(":", 8, LONG_MS), 0);
	assert_int_equal(n_bytes, 0);
	assert_int_equal(run("head -c 100000 /dev/zero | tr '\\0' x", 100000, LONG_MS), 0);
	assert_int_equal(n_bytes, 100000);
	assert_int_equal(strspn(text, "x"), 100000);
}

static void test_nothing_of_ours(void **state)
{
	(void)state;
	setenv("SECRET", "x", 1);
	assert_int_equal(run("cat; echo error >&2; echo $SECRET$LC_ALL; ls /proc/self/fd",
			     1000, LONG_MS),
			 0);
	/* Its own directory is the third. */
	assert_string_equal(text, "C\n0\n1\n2\n3\n");
}

static void test_not_all_of_it(void **state)
{
	(void)state;
	assert_int_equal(run("echo one; echo two", 7, LONG_MS), -E2BIG);
	assert_int_equal(run("while :; do echo y; done", 100000, LONG_MS), -E2BIG);
	assert_int_equal(run("echo one; sleep 1000", 100, 100), -ETIMEDOUT);
	assert_null(text);
	assert_int_equal(run("echo one; exit 1", 100, LONG_MS), -EIO);
	assert_int_equal(run("kill -9 $$", 100, LONG_MS), -EIO);
	assert_null(text);
}

static void test_no_program(void **state)
{
	char none[] = "/nonexistent", dir[] = "/";
	char *argv[] = { none, NULL };

	(void)state;
	assert_int_equal(command_read(argv, 10, clock_in_ms(LONG_MS), &text, &n_bytes),
			 -ENOENT);
	argv[0] = dir;
	assert_int_equal(command_read(argv, 10, clock_in_ms(LONG_MS), &text, &n_bytes),
			 -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_nothing_of_ours),
		cmocka_unit_test(test_not_all_of_it),
		cmocka_unit_test(test_no_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
