/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "macro.h"
#include "watch-state.h"

static const char good[] =
	"elfcast-watch 3\npid 123\nstart 4567\nprograms 10\n"
	"unwatched 1\noverflows 2\nerror 28\nread 5\nalone 4\nresident 6\n"
	"again 7\ndropped 8\npages 900\ntimed 3\ntimed-ms 1200\n";

static void test_reads_what_it_writes(void **state)
{
	struct watch_state w;
	char text[512];

	(void)state;
	assert_int_equal(watch_state_parse(good, strlen(good), &w), 0);
	assert_int_equal(w.pid, 123);
	assert_int_equal(w.start_ticks, 4567);
	assert_int_equal(w.n_programs, 10);
	assert_int_equal(w.n_unwatched, 1);
	assert_int_equal(w.n_overflows, 2);
	assert_int_equal(w.last_error, 28);
	assert_int_equal(w.n_read, 5);
	assert_int_equal(w.n_alone, 4);
	assert_int_equal(w.n_resident, 6);
	assert_int_equal(w.n_again, 7);
	assert_int_equal(w.n_dropped, 8);
	assert_int_equal(w.n_pages, 900);
	assert_int_equal(w.n_timed, 3);
	assert_int_equal(w.timed_ms, 1200);
	assert_int_equal(watch_state_format(&w, text, sizeof(text)), strlen(good));
	assert_string_equal(text, good);
}

static void test_damaged(void **state)
{
	static const char *const bad[] = {
		"elfcast-watch 2\npid 1\nstart 1\nprograms 1\nunwatched 1\noverflows "
		"1\nerror 1\nread 1\nalone 1\nresident 1\nagain 1\ndropped 1\npages "
		"1\ntimed 1\ntimed-ms 1\n",
		"elfcast-watch 3\nstart 1\npid 1\nprograms 1\nunwatched 1\noverflows "
		"1\nerror 1\nread 1\nalone 1\nresident 1\nagain 1\ndropped 1\npages "
		"1\ntimed 1\ntimed-ms 1\n",
		"elfcast-watch 3\npid -1\nstart 1\nprograms 1\nunwatched 1\noverflows "
		"1\nerror 1\nread 1\nalone 1\nresident 1\nagain 1\ndropped 1\npages "
		"1\ntimed 1\ntimed-ms 1\n",
		"elfcast-watch 3\npid \nstart 1\nprograms 1\nunwatched 1\noverflows "
		"1\nerror 1\nread 1\nalone 1\nresident 1\nagain 1\ndropped 1\npages "
		"1\ntimed 1\ntimed-ms 1\n",
		"elfcast-watch 3\npid 1\nstart 1234567890123456789\nprograms 1\nunwatched "
		"1\n"
		"overflows 1\nerror 1\nread 1\nalone 1\nresident 1\nagain 1\ndropped "
		"1\npages 1\ntimed 1\ntimed-ms 1\n",
		"elfcast-watch 3\npid 1\nstart 1\nprograms 1\nunwatched 1\noverflows "
		"1\nerror 1\nread 1\nalone 1\nresident 1\nagain 1\ndropped 1\npages "
		"1\ntimed 1\ntimed-ms 1\n\n",
	};
	struct watch_state w;

	(void)state;
	for (size_t n = 0; n < strlen(good); n++)
		assert_int_equal(watch_state_parse(good, n, &w), -EBADMSG);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(watch_state_parse(bad[i], strlen(bad[i]), &w), -EBADMSG);
}

static void test_who_runs(void **state)
{
	struct watch_state w = { 0 };

	(void)state;
	watch_state_set_self(&w);
	assert_int_equal(w.pid, getpid());
	assert_true(watch_state_is_running(&w));
	/* The same number, another process. */
	w.start_ticks--;
	assert_false(watch_state_is_running(&w));
	w.pid = 1ull << 40;
	assert_false(watch_state_is_running(&w));
	/* Nothing is no process. */
	w = (struct watch_state){ 0 };
	assert_false(watch_state_is_running(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_it_writes),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_who_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
