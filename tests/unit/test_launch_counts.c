/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "in-range.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "launch-counts.h"
#include "macro.h"

#define NOW  (LAUNCHES_FIRST_CLOCK_S + 1000000ull)
#define DAY  86400ull
#define WEEK (7 * DAY)
#define BOOT "6f1c2d3e-0000-4000-8000-00000000000"

static struct launch_counts of(uint64_t time_s, const char *program, unsigned n)
{
	struct launch_counts l = { .time_s = time_s };

	while (n-- > 0)
		assert_int_equal(launch_counts_count(&l, program, time_s), 0);
	return l;
}

static void test_decay_halves_in_two_weeks(void **state)
{
	uint64_t last = LAUNCHES_ONE * 1000ull;

	(void)state;
	assert_int_equal(launch_counts_decay(1000, 0), 1000);
	assert_int_equal(launch_counts_decay(1024, LAUNCHES_HALF_LIFE_S), 512);
	assert_int_equal(launch_counts_decay(1024, 10ull * LAUNCHES_HALF_LIFE_S), 1);
	assert_int_equal(launch_counts_decay(UINT64_MAX, 64ull * LAUNCHES_HALF_LIFE_S), 0);
	assert_int_equal(launch_counts_decay(UINT64_MAX, UINT64_MAX), 0);
	/* 10^15 x 2^-(1/14), and never up. */
	assert_uint_in_range(launch_counts_decay(1000000000000000, DAY), 951600000000000,
			     951800000000000);
	for (uint64_t t = 0; t < 20 * DAY; t += 997) {
		uint64_t w = launch_counts_decay(LAUNCHES_ONE * 1000ull, t);

		assert_true(w <= last);
		last = w;
	}
}

static void test_counts_and_weights(void **state)
{
	struct launch_counts l = of(NOW, "/b", 3);

	(void)state;
	assert_int_equal(launch_counts_count(&l, "/a", NOW + 60), 0);
	assert_int_equal(launch_counts_count(&l, "/c", NOW + 61), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.items[0].program, "/a");
	assert_string_equal(l.items[2].program, "/c");
	assert_int_equal(l.items[0].last_s, NOW + 60);
	assert_int_equal(launch_counts_weight(&l, "/b", NOW), 3 * LAUNCHES_ONE);
	assert_int_equal(launch_counts_weight(&l, "/b", NOW - WEEK), 3 * LAUNCHES_ONE);
	assert_int_equal(launch_counts_weight(&l, "/none", NOW), 0);
	assert_null(launch_counts_find(&l, "/none"));
	launch_counts_advance(&l, NOW + 2 * LAUNCHES_STEP_S);
	assert_uint_in_range(launch_counts_weight(&l, "/b", l.time_s), 2980000, 2999999);
	launch_counts_done(&l);
}

/* Old habits go, new ones come: ten launches four months ago weigh less than one now. */
static void test_habits_change(void **state)
{
	struct launch_counts l = of(NOW, "/old", 10);
	uint64_t now = NOW;

	(void)state;
	for (unsigned i = 0; i < 120; i++)
		launch_counts_advance(&l, now += DAY);
	assert_int_equal(launch_counts_count(&l, "/new", now), 0);
	assert_true(launch_counts_weight(&l, "/old", now) <
		    launch_counts_weight(&l, "/new", now));
	assert_int_not_equal(launch_counts_weight(&l, "/old", now), 0);
	for (unsigned i = 0; i < 120; i++)
		launch_counts_advance(&l, now += DAY);
	assert_null(launch_counts_find(&l, "/old"));
	launch_counts_done(&l);
}

static void test_a_wrong_clock_ruins_nothing(void **state)
{
	struct launch_counts l = of(NOW, "/a", 8);
	uint64_t far = NOW + 70 * 365 * DAY;

	(void)state;
	/* Seventy years ahead, once: a week's decay. */
	assert_int_equal(launch_counts_count(&l, "/b", far), 0);
	assert_uint_in_range(launch_counts_weight(&l, "/a", far), 5600000, 5700000);
	/* Back: none, and then it goes on as ever. */
	assert_int_equal(launch_counts_count(&l, "/b", NOW), 0);
	assert_uint_in_range(launch_counts_weight(&l, "/a", NOW), 5600000, 5700000);
	assert_int_equal(l.time_s, NOW);
	assert_int_equal(l.items[1].last_s, NOW);
	launch_counts_advance(&l, NOW + WEEK);
	assert_uint_in_range(launch_counts_weight(&l, "/a", NOW + WEEK), 3950000, 4050000);
	/* A clock that nobody has set: counted, and time stands still. */
	assert_int_equal(launch_counts_count(&l, "/a", 5), 0);
	assert_int_equal(l.time_s, NOW + WEEK);
	assert_int_equal(l.items[0].last_s, NOW);
	assert_uint_in_range(launch_counts_weight(&l, "/a", 5), 4950000, 5050000);
	launch_counts_done(&l);
}

static void test_the_lightest_makes_room(void **state)
{
	struct launch_counts l = of(NOW, "/heavy", 2);
	char path[32];

	(void)state;
	for (unsigned i = 0; i < LIMIT_LAUNCHES + 10; i++) {
		snprintf(path, sizeof(path), "/p%05u", i);
		assert_int_equal(launch_counts_count(&l, path, NOW + i), 0);
	}
	assert_int_equal(l.n, LIMIT_LAUNCHES);
	assert_non_null(launch_counts_find(&l, "/heavy"));
	/* Of equal ones the first launched went first. */
	assert_null(launch_counts_find(&l, "/p00010"));
	assert_non_null(launch_counts_find(&l, "/p00011"));
	launch_counts_done(&l);
}

static void test_what_is_no_path(void **state)
{
	static char path[LIMIT_LAUNCH_PATH_BYTES + 2];
	struct launch_counts l = { 0 };

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	assert_int_equal(launch_counts_count(&l, path, NOW), -EINVAL);
	path[LIMIT_LAUNCH_PATH_BYTES] = 0;
	assert_int_equal(launch_counts_count(&l, path, NOW), 0);
	assert_int_equal(launch_counts_count(&l, "", NOW), -EINVAL);
	assert_int_equal(launch_counts_count(&l, "bin/x", NOW), -EINVAL);
	assert_int_equal(launch_counts_count(&l, "/new\nline", NOW), -EINVAL);
	assert_int_equal(l.n, 1);
	launch_counts_done(&l);
}

static const char good[] =
	"elfcast-launches 3 1767300000 6f1c2d3e-0000-4000-8000-0123456789ab "
	"b0b1c2d3-0000-4000-8000-0123456789ab 3\n"
	"12.345678 1767299999 0 8123 0 86400000 /usr/bin/git\n"
	"0.001000 0 13 0 1 0 /usr/bin/vim x\n"
	"end 2\n";

static void test_reads_what_it_writes(void **state)
{
	struct launch_counts l;
	char *text;
	size_t n;

	(void)state;
	assert_int_equal(launch_counts_parse(good, strlen(good), &l), 0);
	assert_int_equal(l.time_s, 1767300000);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.items[0].weight, 12345678);
	assert_int_equal(l.items[0].last_s, 1767299999);
	assert_string_equal(l.items[1].program, "/usr/bin/vim x");
	assert_int_equal(l.items[1].n_vain, 13);
	assert_string_equal(l.boot_id, "6f1c2d3e-0000-4000-8000-0123456789ab");
	assert_string_equal(l.watched_id, "b0b1c2d3-0000-4000-8000-0123456789ab");
	assert_int_equal(l.n_watched, 3);
	assert_int_equal(l.items[0].first_ms[0], 8123);
	assert_int_equal(l.items[0].first_ms[2], 86400000);
	assert_int_equal(l.items[1].first_ms[1], 1);
	assert_int_equal(launch_counts_format(&l, &text, &n), 0);
	assert_int_equal(n, strlen(good));
	assert_string_equal(text, good);
	free(text);
	launch_counts_done(&l);
}

#define VERSION_2                                                                          \
	"elfcast-launches 2 1767300000 6f1c2d3e-0000-4000-8000-0123456789ab\n"             \
	"12.345678 1767299999 7 /usr/bin/git\nend 1\n"

/* What elfcast 0.2 counted is not lost. */
static void test_reads_version_1(void **state)
{
	static const char text[] = "elfcast-launches 1 1767300000\n"
				   "12.345678 1767299999 /usr/bin/git\n"
				   "0.001000 0 /usr/bin/vim 2\n"
				   "end 2\n";
	struct launch_counts l;

	(void)state;
	assert_int_equal(launch_counts_parse(text, strlen(text), &l), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.time_s, 1767300000);
	assert_int_equal(l.items[0].weight, 12345678);
	assert_int_equal(l.items[0].last_s, 1767299999);
	assert_int_equal(l.items[0].n_vain, 0);
	assert_string_equal(l.items[1].program, "/usr/bin/vim 2");
	assert_string_equal(l.boot_id, "");
	launch_counts_done(&l);
}

static void test_reads_version_2(void **state)
{
	static const char text[] =
		"elfcast-launches 2 1767300000 6f1c2d3e-0000-4000-8000-0123456789ab\n"
		"12.345678 1767299999 7 /usr/bin/git\n"
		"0.001000 0 0 12 34 /x\n"
		"end 2\n";
	struct launch_counts l;

	(void)state;
	/* What would be first launches in version 3 is no path. */
	assert_int_equal(launch_counts_parse(text, strlen(text), &l), -EBADMSG);
	assert_int_equal(launch_counts_parse(VERSION_2, strlen(VERSION_2), &l), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.items[0].n_vain, 7);
	assert_string_equal(l.boot_id, "6f1c2d3e-0000-4000-8000-0123456789ab");
	assert_string_equal(l.watched_id, "");
	assert_int_equal(l.n_watched, 0);
	launch_counts_done(&l);
}

/* A file that was cut off anywhere is none. */
static void test_torn_anywhere(void **state)
{
	struct launch_counts l;

	(void)state;
	for (size_t n = 0; n < strlen(good); n++)
		assert_true(launch_counts_parse(good, n, &l) < 0);
	/* Blocks that never reached the disk. */
	for (size_t at = 0; at < strlen(good); at++) {
		char text[sizeof(good)];

		memcpy(text, good, sizeof(good));
		memset(text + at, 0, MIN(sizeof(text) - at, (size_t)16));
		assert_true(launch_counts_parse(text, strlen(good), &l) < 0);
	}
}

static void test_damaged(void **state)
{
	static const struct {
		int error;
		const char *text;
	} bad[] = {
		{ -ESTALE, "elfcast-launches 0 1\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 1 1 -\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 1 1\n1.000000 0 /a\nend 2\n" },
		{ -ESTALE, "elfcast-launches 4 1 - - 0\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3  - - 0\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 01 - - 0\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1099511627776 - - 0\nend 0\n" },
		{ -EBADMSG,
		  "elfcast-launches 3 99999999999999999999999999 - - 0\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 -1 - - 0\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\nend 1\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\nend 0\n\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\nend 00\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\n1.00000 0 0 /a\nend 1\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\n1.0000000 0 0 /a\nend 1\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\n1.00000x 0 0 /a\nend 1\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\n.000000 0 0 /a\nend 1\n" },
		{ -EBADMSG,
		  "elfcast-launches 3 1 - - 0\n1000000000.000001 0 0 /a\nend 1\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\n1.000000 x 0 /a\nend 1\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\n1.000000 0 0 a\nend 1\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\n1.000000 0 0 \nend 1\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\n1.000000 0 0 /a\tb\nend 1\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 0\n1.000000 0 0 /a\r\nend 1\n" },
		{ -EBADMSG,
		  "elfcast-launches 3 1 - - 0\n1.000000 0 0 /b\n1.000000 0 0 /a\nend 2\n" },
		{ -EBADMSG,
		  "elfcast-launches 3 1 - - 0\n1.000000 0 0 /a\n1.000000 0 0 /a\nend 2\n" },
#define HEAD "elfcast-launches 3 1 - - 0\n"
		{ -EBADMSG, HEAD "1.000000 0 /a\nend 1\n" },
		{ -EBADMSG, HEAD "1.000000 0 01 /a\nend 1\n" },
		{ -EBADMSG, HEAD "1.000000 0 1001 /a\nend 1\n" },
		{ -EBADMSG, HEAD "1.000000 0 -1 /a\nend 1\n" },
		{ -EBADMSG, HEAD "1.000000 0 1  /a\nend 1\n" },
		{ -EBADMSG, "elfcast-launches 3 1\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 -- - 0\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 " BOOT " - 0\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 " BOOT "00 - 0\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 " BOOT "G - 0\nend 0\n" },
		{ 0, "elfcast-launches 3 1 " BOOT "a - 0\nend 0\n" },
		{ 0, HEAD "0.000000 0 1000 /a\nend 1\n" },
		/* First launches. */
		{ -EBADMSG, "elfcast-launches 3 1 -\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - -\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 1\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - - 00\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - " BOOT "a 0\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - " BOOT "a 12\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - " BOOT " 1\nend 0\n" },
		{ -EBADMSG, "elfcast-launches 3 1 - " BOOT "a1\nend 0\n" },
		{ -EBADMSG, HEAD "1.000000 0 0 1 /a\nend 1\n" },
#define HEAD_2 "elfcast-launches 3 1 - " BOOT "a 2\n"
		{ 0, HEAD_2 "1.000000 0 0 0 86400000 /a\nend 1\n" },
		{ -EBADMSG, HEAD_2 "1.000000 0 0 0 86400001 /a\nend 1\n" },
		{ -EBADMSG, HEAD_2 "1.000000 0 0 0 01 /a\nend 1\n" },
		{ -EBADMSG, HEAD_2 "1.000000 0 0 0 -1 /a\nend 1\n" },
		{ -EBADMSG, HEAD_2 "1.000000 0 0 0 /a\nend 1\n" },
		{ -EBADMSG, HEAD_2 "1.000000 0 0 1 2 3 /a\nend 1\n" },
		{ -EBADMSG, HEAD_2 "1.000000 0 0 1  2 /a\nend 1\n" },
	};
	struct launch_counts l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int r = launch_counts_parse(bad[i].text, strlen(bad[i].text), &l);

		assert_int_equal(r, bad[i].error);
		if (r == 0)
			launch_counts_done(&l);
	}
}

static char *with_programs(unsigned n)
{
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	fputs("elfcast-launches 3 1 - - 0\n", f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "1.000000 0 0 /p%05u\n", i);
	fprintf(f, "end %u\n", n);
	fclose(f);
	return text;
}

static void test_limit_of_programs(void **state)
{
	char *most = with_programs(LIMIT_LAUNCHES), *more;
	struct launch_counts l;

	(void)state;
	more = with_programs(LIMIT_LAUNCHES + 1);
	assert_int_equal(launch_counts_parse(most, strlen(most), &l), 0);
	launch_counts_done(&l);
	assert_int_equal(launch_counts_parse(more, strlen(more), &l), -E2BIG);
	free(most);
	free(more);
}

/* ---- first launches ---- */

/* Boot N, in which each of PROGRAMS was launched, the first one after AFTER_MS, then each second. */
static void boot(struct launch_counts *l, char n, uint64_t after_ms, const char *programs)
{
	char id[] = BOOT "0";

	id[sizeof(id) - 2] = n;
	for (; *programs; programs++, after_ms += 1000) {
		const char path[] = { '/', *programs, 0 };

		assert_int_equal(launch_counts_count(l, path, NOW), 0);
		launch_counts_note_first(l, id, after_ms, path);
	}
}

/* "9/10 8000": launched in 9 of 10 boots, after 8000 ms. */
static const char *habit(const struct launch_counts *l, const char *program)
{
	static char text[64];
	struct launch_habit h;

	launch_counts_habit(l, program, &h);
	snprintf(text, sizeof(text), "%u/%u %d", h.n_launched, h.n_boots, (int)h.after_ms);
	return text;
}

static void test_first_launches(void **state)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };

	(void)state;
	assert_string_equal(habit(&l, "/a"), "0/0 -1");
	boot(&l, '1', 8000, "abaa");
	assert_string_equal(habit(&l, "/a"), "1/1 8000");
	assert_string_equal(habit(&l, "/b"), "1/1 9000");
	/* The boot may go on: it says nothing against anyone. */
	assert_string_equal(habit(&l, "/none"), "0/0 -1");
	boot(&l, '2', 20000, "b");
	assert_string_equal(habit(&l, "/a"), "1/1 8000");
	assert_string_equal(habit(&l, "/b"), "2/2 9000");
	boot(&l, '2', 50000, "a");
	assert_string_equal(habit(&l, "/a"), "2/2 8000");
	/* Once in a boot, and whoever was there at once was there after 1 ms. */
	boot(&l, '3', 0, "ca");
	boot(&l, '3', 70000, "ca");
	assert_string_equal(habit(&l, "/a"), "3/3 8000");
	assert_string_equal(habit(&l, "/b"), "2/2 9000");
	assert_string_equal(habit(&l, "/c"), "1/3 -1");
	boot(&l, '4', 0, "d");
	assert_string_equal(habit(&l, "/b"), "2/3 20000");
	assert_string_equal(habit(&l, "/c"), "1/3 -1");
	boot(&l, '4', 0, "c");
	assert_string_equal(habit(&l, "/c"), "2/4 1");
}

/* By when half of the boots had launched it: those without it count as later than all. */
static void test_rare_ones_are_late(void **state)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };

	(void)state;
	for (char n = '0'; n <= '9'; n++) {
		boot(&l, n, 1000, n == '4' ? "ar" : "a");
		boot(&l, n, n == '7' ? 5000000 : 20000, n % 2 ? "b" : "");
	}
	assert_string_equal(habit(&l, "/r"), "1/9 -1");
	assert_string_equal(habit(&l, "/b"), "5/10 5000000");
	boot(&l, 'a', 30000, "b");
	assert_string_equal(habit(&l, "/a"), "10/10 1000");
	assert_string_equal(habit(&l, "/b"), "6/11 5000000");
	boot(&l, 'b', 40000, "b");
	assert_string_equal(habit(&l, "/b"), "7/11 40000");
}

/* Eleven boots are known; what is older is forgotten, and a day of each is looked at. */
static void test_old_boots_are_forgotten(void **state)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };

	(void)state;
	boot(&l, '0', 5, "x");
	for (char n = '1'; n <= '9'; n++)
		boot(&l, n, LIMIT_FIRST_MS, "a");
	boot(&l, 'a', LIMIT_FIRST_MS + 1, "a");
	assert_string_equal(habit(&l, "/x"), "1/9 -1");
	boot(&l, 'a', 7, "a");
	boot(&l, 'b', 7, "a");
	assert_string_equal(habit(&l, "/x"), "0/10 -1");
	assert_string_equal(habit(&l, "/a"), "11/11 86400000");
	assert_int_equal(l.n_watched, LAUNCHES_WATCHED);
	/* Whoever was not counted, or is no boot. */
	launch_counts_note_first(&l, BOOT "c", 1, "/none");
	launch_counts_note_first(&l, "", 1, "/a");
	assert_string_equal(l.watched_id, BOOT "b");
	assert_null(launch_counts_find(&l, "/none"));
}

static char root[64];
static struct store store;

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/elfcast-test-launches-XXXXXX");
	return mkdtemp(root) ? store_open(root, false, &store) : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	store_done(&store);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command); /* NOLINT */
}

static void test_stored(void **state)
{
	struct launch_counts l;
	int lock;

	(void)state;
	assert_int_equal(launch_counts_load(&store, &l), -ENOENT);
	assert_int_equal(launch_counts_count_stored(&store, "/a", 0), 0);
	assert_int_equal(launch_counts_count_stored(&store, "/a", 0), 0);
	assert_int_equal(launch_counts_load(&store, &l), 0);
	assert_uint_in_range(launch_counts_weight(&l, "/a", l.time_s), 2 * LAUNCHES_ONE,
			     2 * LAUNCHES_ONE);
	launch_counts_done(&l);
	/* The watcher runs. */
	lock = store_lock_launches(&store, 0);
	assert_true(lock >= 0);
	assert_int_equal(launch_counts_count_stored(&store, "/a", 0), -EBUSY);
	close(lock);
}

static void test_torn_file_starts_anew(void **state)
{
	struct launch_counts l;
	bool written;

	(void)state;
	assert_int_equal(store_put(&store, STORE_LAUNCHES, NULL, good, 40, &written), 0);
	assert_int_equal(launch_counts_load(&store, &l), -EBADMSG);
	assert_int_equal(launch_counts_count_stored(&store, "/a", 0), 0);
	assert_int_equal(launch_counts_load(&store, &l), 0);
	assert_int_equal(l.n, 1);
	launch_counts_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decay_halves_in_two_weeks),
		cmocka_unit_test(test_counts_and_weights),
		cmocka_unit_test(test_habits_change),
		cmocka_unit_test(test_a_wrong_clock_ruins_nothing),
		cmocka_unit_test(test_the_lightest_makes_room),
		cmocka_unit_test(test_what_is_no_path),
		cmocka_unit_test(test_reads_what_it_writes),
		cmocka_unit_test(test_reads_version_1),
		cmocka_unit_test(test_reads_version_2),
		cmocka_unit_test(test_torn_anywhere),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_limit_of_programs),
		cmocka_unit_test(test_first_launches),
		cmocka_unit_test(test_rare_ones_are_late),
		cmocka_unit_test(test_old_boots_are_forgotten),
		cmocka_unit_test_setup_teardown(test_stored, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_file_starts_anew, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
