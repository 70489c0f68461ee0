/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bounds.h"
#include "launch-counts.h"
#include "macro.h"
#include "shadow-write.h"

#define BOOT "6f1c2d3e-0000-4000-8000-00000000000"
#define NOW  1800000000u

static char a[] = "/usr/bin/a", b[] = "/usr/bin/b", c[] = "/usr/bin/c";
static char *abc_names[] = { a, b, c };
static const struct name_list abc = { abc_names, 3, 3 }, only_a = { abc_names, 1, 1 };

/* Boot number N, in which LAUNCHED (may be NULL) was launched; L keeps its history. */
static void boot(char n, const struct name_list *pack, struct launch_counts *l,
		 const char *launched)
{
	char id[] = BOOT "0";
	uint64_t since_s = NOW + (uint64_t)(n - '0') * 86400;

	id[sizeof(id) - 2] = n;
	if (launched)
		assert_int_equal(launch_counts_count(l, launched, since_s + 60), 0);
	assert_int_equal(launch_counts_note_boot(l, id, since_s, pack), 0);
}

static void test_five_boots_without_launch(void **state)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	(void)state;

	for (char n = '1'; n <= '5'; n++) {
		assert_false(launch_counts_is_hopeless(&l, a));
		boot(n, &abc, &l, b);
	}
	assert_int_equal(launch_counts_vain_boots(&l, a), 5);
	assert_true(launch_counts_is_hopeless(&l, a));
	assert_int_equal(launch_counts_vain_boots(&l, b), 0);
	/* It left the pack for that: still hopeless, and not counted any more. */
	boot('6', &(struct name_list){ abc_names + 1, 2, 2 }, &l, b);
	assert_int_equal(launch_counts_vain_boots(&l, a), 5);
	assert_int_equal(launch_counts_vain_boots(&l, c), 6);
	boot('7', &(struct name_list){ abc_names + 1, 2, 2 }, &l, a);
	assert_int_equal(launch_counts_vain_boots(&l, a), 0);
}

static void test_a_launch_starts_anew(void **state)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	(void)state;

	boot('1', &abc, &l, NULL);
	boot('2', &abc, &l, a);
	assert_int_equal(launch_counts_vain_boots(&l, a), 0);
	assert_int_equal(launch_counts_vain_boots(&l, b), 2);
	boot('3', &abc, &l, NULL); /* the launch before is no launch in this boot */
	assert_int_equal(launch_counts_vain_boots(&l, a), 1);
}

/* The program that counts may end and start again many times in a boot. */
static void test_a_boot_counts_once(void **state)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	(void)state;

	boot('1', &abc, &l, NULL);
	boot('1', &abc, &l, NULL);
	assert_int_equal(launch_counts_vain_boots(&l, a), 1);
	boot('1', &abc, &l, a);
	assert_int_equal(launch_counts_vain_boots(&l, a), 0);
	boot('1', &abc, &l, NULL);
}

/* Other programs were better, or its profile is gone: that says nothing against it. */
static void test_who_left_the_pack_is_forgotten(void **state)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	(void)state;

	boot('1', &abc, &l, NULL);
	boot('2', &only_a, &l, NULL);
	assert_int_equal(launch_counts_vain_boots(&l, a), 2);
	assert_int_equal(l.n, 1);
}

static void test_limits(void **state)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	_cleanup_(name_list_done) struct name_list many = { 0 };
	char text[] = "elfcast-launches 2 1 " BOOT "0\n0.000000 0 1000 /usr/bin/a\nend 1\n";
	(void)state;

	many.names = calloc(LIMIT_LAUNCHES + 5, sizeof(char *));
	assert_non_null(many.names);
	for (; many.n < LIMIT_LAUNCHES + 5; many.n++)
		assert_true(asprintf(&many.names[many.n], "/usr/bin/%06zu", many.n) > 0);
	boot('1', &many, &l, NULL);
	assert_int_equal(l.n, LIMIT_LAUNCHES);
	launch_counts_done(&l);
	assert_int_equal(launch_counts_parse(text, sizeof(text) - 1, &l), 0);
	boot('1', &abc, &l, NULL);
	assert_int_equal(launch_counts_vain_boots(&l, a), 1000);
	assert_int_equal(launch_counts_note_boot(&l, "short", NOW, &abc), -EINVAL);
}

/* ---- with files, and the boot that this is ---- */

static void put_pack(const struct store *s)
{
	const struct launch_desc launches[] = {
		{ c, "default", "x86_64", "c.json", SHADOW_NONE, SHADOW_NONE, 0, 0 },
		{ a, "status", "x86_64", "a1.json", SHADOW_NONE, SHADOW_NONE, 0, 0 },
		{ a, "clone", "x86_64", "a2.json", SHADOW_NONE, SHADOW_NONE, 0, 0 },
		{ b, "boot", "x86_64", "b.json", SHADOW_NONE, SHADOW_NONE, 0, 0 },
	};
	const struct shadow_desc d = { SHADOW_KIND_PACK,     launches, NULL, NULL,
				       ARRAY_SIZE(launches), 0,	       0 };
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	bool written;

	assert_int_equal(shadow_write(&d, &data, &bytes), 0);
	assert_int_equal(store_put(s, STORE_PACK, NULL, data, bytes, &written), 0);
}

static uint64_t seconds(clockid_t clock)
{
	struct timespec t;

	assert_int_equal(clock_gettime(clock, &t), 0);
	return (uint64_t)t.tv_sec;
}

static void note(const struct store *s, struct launch_counts *l, uint64_t watched_s)
{
	assert_int_equal(launch_counts_note_this_boot(s, l, watched_s), 0);
	assert_int_equal(launch_counts_save(s, l), 0);
	launch_counts_done(l);
	assert_int_equal(launch_counts_load(s, l), 0);
}

static void test_stored(void **state)
{
	char dir[] = "/tmp/elfcast-test-vain-XXXXXX", command[64];
	_cleanup_(store_done) struct store s = { 0 };
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	/* A machine that has just booted is no evidence. */
	bool is_evidence = seconds(CLOCK_BOOTTIME) >= LAUNCHES_SHORTEST_S &&
			   seconds(CLOCK_REALTIME) >= LAUNCHES_FIRST_CLOCK_S;
	(void)state;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(store_open(dir, false, &s), 0);
	note(&s, &l, 0); /* no pack */
	assert_int_equal(l.n, 0);
	put_pack(&s);
	note(&s, &l, LAUNCHES_LATEST_S + 1);
	assert_int_equal(launch_counts_vain_boots(&l, a), 0); /* watched too late */
	for (int i = 0; i < 2; i++) {
		note(&s, &l, 5);
		assert_int_equal(launch_counts_vain_boots(&l, a), is_evidence);
		assert_int_equal(launch_counts_vain_boots(&l, b), 0); /* the boot itself */
		assert_int_equal(launch_counts_vain_boots(&l, c), is_evidence);
	}
	assert_int_equal(launch_counts_count(&l, a, seconds(CLOCK_REALTIME)), 0);
	note(&s, &l, LAUNCHES_LATEST_S + 1);
	assert_int_equal(launch_counts_vain_boots(&l, a),
			 0); /* watched late, but launched */
	assert_int_equal(launch_counts_vain_boots(&l, c), is_evidence);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* Counts and boots in vain are of one program, and neither forgets the other. */
static void test_counts_and_boots(void **state)
{
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	(void)state;

	assert_int_equal(launch_counts_count(&l, a, NOW), 0);
	boot('1', &abc, &l, NULL);
	assert_int_equal(launch_counts_vain_boots(&l, a), 1);
	assert_int_equal(launch_counts_weight(&l, a, l.time_s), LAUNCHES_ONE);
	assert_int_equal(launch_counts_weight(&l, b, l.time_s), 0);
	for (unsigned week = 1; week < 60; week++)
		launch_counts_advance(&l, NOW + week * 7 * 86400);
	assert_int_equal(launch_counts_weight(&l, a, l.time_s), 0);
	assert_int_equal(launch_counts_vain_boots(&l, a), 1);
	boot('9', &(struct name_list){ 0 }, &l, NULL);
	assert_int_equal(l.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_five_boots_without_launch),
		cmocka_unit_test(test_a_launch_starts_anew),
		cmocka_unit_test(test_a_boot_counts_once),
		cmocka_unit_test(test_who_left_the_pack_is_forgotten),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_counts_and_boots),
		cmocka_unit_test(test_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
