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
#include "launch-gain.h"
#include "launch-times.h"
#include "macro.h"

static struct launch_times t;

static int start(void **state)
{
	(void)state;
	t.n = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	launch_times_done(&t);
	return 0;
}

static void add(const char *program, uint32_t ms, bool was_read)
{
	assert_int_equal(launch_times_add(&t, program, ms, was_read), 0);
}

/* N launches that are left alone, of ALONE_MS, and some before each that are not; both jitter. */
static void add_many(const char *program, unsigned n, uint32_t read_ms, uint32_t alone_ms)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < 5; j++)
			add(program, read_ms + (i * 7 + j * 5) % 11, true);
		add(program, alone_ms + i * 5 % 11, false);
	}
}

static struct launch_gain find(const char *program)
{
	struct launch_gain g;

	assert_int_equal(launch_gain_find(&t, program, &g), 0);
	return g;
}

static void test_text(void **state)
{
	static const char text[] = "elfcast-launch-times 1\n"
				   "read 120 /usr/bin/git\n"
				   "alone 240 /usr/bin/with space\n"
				   "read 10000 /usr/bin/git\n"
				   "end 3\n";
	char copy[sizeof(text)], *again;
	size_t bytes;

	(void)state;
	assert_int_equal(launch_times_parse(text, strlen(text), &t), 0);
	assert_int_equal(t.n, 3);
	assert_string_equal(t.items[1].program, "/usr/bin/with space");
	assert_int_equal(t.items[1].ms, 240);
	assert_false(t.items[1].was_read);
	assert_true(t.items[2].was_read);
	assert_int_equal(launch_times_format(&t, &again, &bytes), 0);
	assert_int_equal(bytes, strlen(text));
	assert_memory_equal(again, text, bytes);
	free(again);
	/* Every cut, and a bit more in every byte. */
	for (size_t n = 0; n < strlen(text); n++) {
		launch_times_done(&t);
		assert_true(launch_times_parse(text, n, &t) < 0);
		assert_int_equal(t.n, 0);
		memcpy(copy, text, sizeof(text));
		copy[n] |= 0x40;
		if (copy[n] != text[n] && (text[n] < 'a' && text[n] != '/'))
			assert_true(launch_times_parse(copy, strlen(text), &t) < 0 ||
				    text[n] == ' ');
	}
}

static int parse(const char *lines)
{
	char text[256];

	launch_times_done(&t);
	snprintf(text, sizeof(text), "elfcast-launch-times 1\n%s", lines);
	return launch_times_parse(text, strlen(text), &t);
}

static void test_bad_text(void **state)
{
	static const char next[] = "elfcast-launch-times 2\nend 0\n";

	(void)state;
	assert_int_equal(parse("end 0\n"), 0);
	assert_int_equal(parse("end 1\n"), -EBADMSG);
	assert_int_equal(parse("end 0\n\n"), -EBADMSG);
	assert_int_equal(parse("read 1 git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("read 01 /git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("read 10001 /git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("read -1 /git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("both 1 /git\nend 1\n"), -EBADMSG);
	assert_int_equal(parse("read 1 /gi\tt\nend 1\n"), -EBADMSG);
	assert_int_equal(launch_times_parse(next, strlen(next), &t), -ESTALE);
	assert_int_equal(launch_times_add(&t, "git", 1, true), -EINVAL);
	assert_int_equal(launch_times_add(&t, "/git", LIMIT_LAUNCH_MS + 1, true), -EINVAL);
	assert_int_equal(t.n, 0);
}

static void test_the_oldest_makes_room(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;

	(void)state;
	for (unsigned i = 0; i < LIMIT_LAUNCH_TIMES + 3; i++)
		add("/p", i, true);
	assert_int_equal(t.n, LIMIT_LAUNCH_TIMES);
	assert_int_equal(t.items[0].ms, 3);
	assert_int_equal(t.items[t.n - 1].ms, LIMIT_LAUNCH_TIMES + 2);
	assert_int_equal(launch_times_format(&t, &text, &bytes), 0);
	assert_true(bytes <= LIMIT_LAUNCH_TIMES_BYTES);
	launch_times_done(&t);
	assert_int_equal(launch_times_parse(text, bytes, &t), 0);
	assert_int_equal(t.n, LIMIT_LAUNCH_TIMES);
}

/* How many of the next N launches are exceptions, and when the first one comes. */
static unsigned count_exceptions(const char *program, bool usually, unsigned n,
				 unsigned *ret_first)
{
	unsigned count = 0;

	*ret_first = 0;
	for (unsigned i = 1; i <= n; i++) {
		bool is_read = launch_times_plan(&t, program, usually);

		add(program, 100, is_read);
		add("/other", 100, true);
		if (is_read == usually)
			continue;
		count++;
		if (count == 1)
			*ret_first = i;
	}
	return count;
}

static void test_plan(void **state)
{
	unsigned first;

	(void)state;
	assert_true(launch_times_plan(&t, "/p", true));
	assert_false(launch_times_plan(&t, "/p", false));
	/* The first after two, then one of sixteen. */
	assert_int_equal(count_exceptions("/p", true, 3 + 16 * 5, &first), 6);
	assert_int_equal(first, 3);
	/*
	 * From then on left alone, as the last one was: one of sixteen is read, to see whether that
	 * is still right.
	 */
	assert_int_equal(count_exceptions("/p", false, 16 * 5, &first), 5);
	assert_int_equal(first, 15);
	assert_int_equal(count_exceptions("/q", false, 3, &first), 1);
}

static void test_gain(void **state)
{
	struct launch_gain g = find("/p");

	(void)state;
	assert_int_equal(g.n_read + g.n_alone + g.n_pairs, 0);
	add_many("/p", 8, 300, 600);
	add_many("/q", 8, 3000, 3000);
	g = find("/p");
	assert_int_equal(g.n_read, 40);
	assert_int_equal(g.n_alone, 8);
	assert_int_equal(g.n_pairs, 8);
	assert_true(g.read_ms >= 300 && g.read_ms <= 310);
	assert_true(g.alone_ms >= 600 && g.alone_ms <= 610);
	assert_true(g.percent.low > 47 && g.percent.high < 52);
	assert_false(g.is_none);
	assert_true(find("/q").is_none);
	g = find(NULL);
	assert_int_equal(g.n_pairs, 16);
	assert_int_equal(g.n_read, 80);
	assert_false(g.is_none);
}

static struct launch_verdicts judge(void)
{
	struct launch_verdicts v;

	assert_int_equal(launch_verdicts_find(&t, &v), 0);
	return v;
}

static void test_verdicts(void **state)
{
	_cleanup_(launch_verdicts_done) struct launch_verdicts none = judge(), own, all;

	(void)state;
	assert_false(launch_verdicts_is_off(&none, "/p"));
	add_many("/gains", 6, 300, 600);
	add_many("/none", 6, 300, 290);
	add_many("/few", 5, 300, 290);
	own = judge();
	assert_true(launch_verdicts_is_off(&own, "/none"));
	assert_false(launch_verdicts_is_off(&own, "/gains"));
	assert_false(launch_verdicts_is_off(&own, "/few"));
	assert_false(launch_verdicts_is_off(&own, "/unknown"));
	/* Where most gain nothing, who is not known to gain is left alone. */
	for (unsigned i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/n%u", i);
		add_many(name, 2, 300, 290);
	}
	all = judge();
	assert_true(launch_verdicts_is_off(&all, "/few"));
	assert_true(launch_verdicts_is_off(&all, "/unknown"));
	assert_false(launch_verdicts_is_off(&all, "/gains"));
}

/* Left alone for being worth nothing, and then one of sixteen says otherwise. */
static void test_way_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		for (unsigned j = 0; j < 15; j++)
			add("/p", 600 + j % 5, false);
		add("/p", 300, true);
	}
	assert_int_equal(find("/p").n_pairs, 7);
	assert_true(find("/p").percent.low > 45);
	assert_false(find("/p").is_none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, start, end),
		cmocka_unit_test_setup_teardown(test_bad_text, start, end),
		cmocka_unit_test_setup_teardown(test_the_oldest_makes_room, start, end),
		cmocka_unit_test_setup_teardown(test_plan, start, end),
		cmocka_unit_test_setup_teardown(test_gain, start, end),
		cmocka_unit_test_setup_teardown(test_verdicts, start, end),
		cmocka_unit_test_setup_teardown(test_way_back, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
