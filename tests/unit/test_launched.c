/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "launched.h"
#include "macro.h"

static struct launched_log l;

static int start(void **state)
{
	(void)state;
	l.n = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	launched_done(&l);
	return 0;
}

static void test_text(void **state)
{
	static const char text[] = "elfcast-launched 1\n"
				   "read 123456 747 31 120 /usr/bin/git\n"
				   "alone 123999 0 0 0 /usr/bin/with space\n"
				   "there 1099511627775 0 0 0 /usr/bin/git\n"
				   "dropped 1099511627775 0 0 0 /usr/bin/git\n"
				   "end 4\n";
	char *again;
	size_t bytes;

	(void)state;
	assert_int_equal(launched_parse(text, strlen(text), &l), 0);
	assert_int_equal(l.n, 4);
	assert_int_equal(l.items[0].how, LAUNCHED_READ);
	assert_int_equal(l.items[0].after_ms, 123456);
	assert_int_equal(l.items[0].n_pages, 747);
	assert_int_equal(l.items[0].read_ms, 31);
	assert_int_equal(l.items[0].took_ms, 120);
	assert_string_equal(l.items[1].program, "/usr/bin/with space");
	assert_int_equal(l.items[1].how, LAUNCHED_ALONE);
	assert_int_equal(l.items[3].how, LAUNCHED_DROPPED);
	assert_int_equal(launched_format(&l, &again, &bytes), 0);
	assert_int_equal(bytes, strlen(text));
	assert_memory_equal(again, text, bytes);
	free(again);
	for (size_t n = 0; n < strlen(text); n++) {
		launched_done(&l);
		assert_true(launched_parse(text, n, &l) < 0);
		assert_int_equal(l.n, 0);
	}
}

static int parse(const char *lines)
{
	char text[256];

	launched_done(&l);
	snprintf(text, sizeof(text), "elfcast-launched 1\n%s", lines);
	return launched_parse(text, strlen(text), &l);
}

static void test_bad_text(void **state)
{
	static const char next[] = "elfcast-launched 2\nend 0\n";

	(void)state;
	assert_int_equal(parse("end 0\n"), 0);
	assert_int_equal(parse("end 1\n"), -EBADMSG);
	assert_int_equal(parse("end 0\n\n"), -EBADMSG);
	assert_int_equal(parse("read 1 1 1 1 /git\nend 1\n"), 0);
	assert_int_equal(parse("read 1 1 1 1 git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("read 01 1 1 1 /git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("read 1099511627776 1 1 1 /git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("read 1 4294967296 1 1 /git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("read 1 1 10001 1 /git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("read 1 1 1 10001 /git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("pending 1 1 1 1 /git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("read 1 1 1 1 /gi\tt\nend 1\n"), -EBADMSG);
	assert_int_equal(launched_parse(next, strlen(next), &l), -ESTALE);
	assert_int_equal(launched_add(&l, "git", 1, LAUNCHED_READ, 1), -EINVAL);
	assert_int_equal(l.n, 0);
}

static void test_pending_ones_are_not_written(void **state)
{
	char *text;
	size_t bytes;

	(void)state;
	assert_int_equal(launched_add(&l, "/a", 5, LAUNCHED_PENDING, 7), 0);
	assert_int_equal(launched_add(&l, "/b", 6, LAUNCHED_THERE, 0), 0);
	assert_null(launched_find(&l, 0));
	assert_null(launched_find(&l, 8));
	assert_int_equal(launched_format(&l, &text, &bytes), 0);
	assert_string_equal(text, "elfcast-launched 1\nthere 6 0 0 0 /b\nend 1\n");
	free(text);
	launched_find(&l, 7)->how = LAUNCHED_READ;
	assert_int_equal(launched_format(&l, &text, &bytes), 0);
	assert_string_equal(
		text, "elfcast-launched 1\nread 5 0 0 0 /a\nthere 6 0 0 0 /b\nend 2\n");
	free(text);
}

static void test_the_oldest_makes_room(void **state)
{
	char *text;
	size_t bytes;

	(void)state;
	for (uint32_t i = 1; i <= LIMIT_LAUNCHED + 3; i++)
		assert_int_equal(launched_add(&l, "/p", UINT64_MAX, LAUNCHED_THERE, i), 0);
	assert_int_equal(l.n, LIMIT_LAUNCHED);
	assert_null(launched_find(&l, 3));
	assert_ptr_equal(launched_find(&l, 4), &l.items[0]);
	assert_int_equal(l.items[0].after_ms, LIMIT_UPTIME_MS);
	/* It is a file that is read; one more line is none. */
	assert_int_equal(launched_format(&l, &text, &bytes), 0);
	launched_done(&l);
	assert_int_equal(launched_parse(text, bytes, &l), 0);
	assert_int_equal(l.n, LIMIT_LAUNCHED);
	text = realloc(text, bytes + 64);
	assert_non_null(text);
	strcpy(strstr(text, "end "), "there 1 0 0 0 /p\nend 513\n");
	launched_done(&l);
	assert_int_equal(launched_parse(text, strlen(text), &l), -E2BIG);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, start, end),
		cmocka_unit_test_setup_teardown(test_bad_text, start, end),
		cmocka_unit_test_setup_teardown(test_pending_ones_are_not_written, start,
						end),
		cmocka_unit_test_setup_teardown(test_the_oldest_makes_room, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
