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
#include "macro.h"
#include "shadow-write.h"
#include "boot-unused.h"

#define BOOT "6f1c2d3e-0000-4000-8000-00000000000"
#define NOW  1800000000u

static char a[] = "/usr/bin/a", b[] = "/usr/bin/b", c[] = "/usr/bin/c";
static char *abc_names[] = { a, b, c };
static const struct name_list abc = { abc_names, 3, 3 }, only_a = { abc_names, 1, 1 };

/* Boot number N, in which LAUNCHED (may be NULL) was launched; L keeps its history. */
static bool boot(struct boot_unused *u, char n, const struct name_list *pack,
		 struct launch_counts *l, const char *launched)
{
	char id[] = BOOT "0";
	uint64_t since_s = NOW + (uint64_t)(n - '0') * 86400;
	bool changed;

	id[sizeof(id) - 2] = n;
	if (launched)
		assert_int_equal(launch_counts_count(l, launched, since_s + 60), 0);
	assert_int_equal(boot_unused_note(u, id, since_s, pack, l, &changed), 0);
	return changed;
}

static void test_five_boots_without_launch(void **state)
{
	_cleanup_(boot_unused_done) struct boot_unused u = { 0 };
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	(void)state;

	for (char n = '1'; n <= '5'; n++) {
		assert_false(boot_unused_is_hopeless(&u, a));
		assert_true(boot(&u, n, &abc, &l, b));
	}
	assert_int_equal(boot_unused_boots(&u, a), 5);
	assert_true(boot_unused_is_hopeless(&u, a));
	assert_int_equal(boot_unused_boots(&u, b), 0);
	/* It left the pack for that: still hopeless, and not counted any more. */
	boot(&u, '6', &(struct name_list){ abc_names + 1, 2, 2 }, &l, b);
	assert_int_equal(boot_unused_boots(&u, a), 5);
	assert_int_equal(boot_unused_boots(&u, c), 6);
	boot(&u, '7', &(struct name_list){ abc_names + 1, 2, 2 }, &l, a);
	assert_int_equal(boot_unused_boots(&u, a), 0);
}

static void test_a_launch_starts_anew(void **state)
{
	_cleanup_(boot_unused_done) struct boot_unused u = { 0 };
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	(void)state;

	boot(&u, '1', &abc, &l, NULL);
	boot(&u, '2', &abc, &l, a);
	assert_int_equal(boot_unused_boots(&u, a), 0);
	assert_int_equal(boot_unused_boots(&u, b), 2);
	boot(&u, '3', &abc, &l, NULL); /* the launch before is no launch in this boot */
	assert_int_equal(boot_unused_boots(&u, a), 1);
}

/* The program that counts may end and start again many times in a boot. */
static void test_a_boot_counts_once(void **state)
{
	_cleanup_(boot_unused_done) struct boot_unused u = { 0 };
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	(void)state;

	assert_true(boot(&u, '1', &abc, &l, NULL));
	assert_false(boot(&u, '1', &abc, &l, NULL));
	assert_int_equal(boot_unused_boots(&u, a), 1);
	assert_true(boot(&u, '1', &abc, &l, a));
	assert_int_equal(boot_unused_boots(&u, a), 0);
	assert_false(boot(&u, '1', &abc, &l, NULL));
}

/* Other programs were better, or its profile is gone: that says nothing against it. */
static void test_who_left_the_pack_is_forgotten(void **state)
{
	_cleanup_(boot_unused_done) struct boot_unused u = { 0 };
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	(void)state;

	boot(&u, '1', &abc, &l, NULL);
	boot(&u, '2', &only_a, &l, NULL);
	assert_int_equal(boot_unused_boots(&u, a), 2);
	assert_int_equal(u.n, 1);
}

static void test_limits(void **state)
{
	_cleanup_(boot_unused_done) struct boot_unused u = { 0 };
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	_cleanup_(name_list_done) struct name_list many = { 0 };
	char text[] = "elfcast-unused 1 " BOOT "0\n1000 /usr/bin/a\nend 1\n";
	bool changed;
	(void)state;

	many.names = calloc(LIMIT_LAUNCHES + 5, sizeof(char *));
	assert_non_null(many.names);
	for (; many.n < LIMIT_LAUNCHES + 5; many.n++)
		assert_true(asprintf(&many.names[many.n], "/usr/bin/%06zu", many.n) > 0);
	boot(&u, '1', &many, &l, NULL);
	assert_int_equal(u.n, LIMIT_LAUNCHES);
	boot_unused_done(&u);
	assert_int_equal(boot_unused_parse(text, sizeof(text) - 1, &u), 0);
	boot(&u, '1', &abc, &l, NULL);
	assert_int_equal(boot_unused_boots(&u, a), 1000);
	assert_int_equal(boot_unused_note(&u, "short", NOW, &abc, &l, &changed), -EINVAL);
}

static int parse(const char *text)
{
	struct boot_unused u;
	int r = boot_unused_parse(text, strlen(text), &u);

	if (r == 0)
		boot_unused_done(&u);
	return r;
}

static void test_texts(void **state)
{
	static const char good[] = "elfcast-unused 1 " BOOT "0\n2 /a\n13 /b c\nend 2\n";
	_cleanup_(boot_unused_done) struct boot_unused u = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	(void)state;

	assert_int_equal(boot_unused_parse(good, sizeof(good) - 1, &u), 0);
	assert_int_equal(boot_unused_boots(&u, "/b c"), 13);
	assert_int_equal(boot_unused_format(&u, &text, &bytes), 0);
	assert_int_equal(bytes, sizeof(good) - 1);
	assert_memory_equal(text, good, bytes);
	for (size_t n = 0; n < bytes; n++)
		assert_int_equal(boot_unused_parse(good, n, &u), -EBADMSG);
	assert_int_equal(parse("elfcast-unused 2 x\n"), -ESTALE);
	assert_int_equal(parse("elfcast-unused 1 " BOOT "\nend 0\n"), -EBADMSG);
	assert_int_equal(parse("elfcast-unused 1 " BOOT "G\nend 0\n"), -EBADMSG);
#define LINES(x) parse("elfcast-unused 1 " BOOT "0\n" x)
	assert_int_equal(LINES("end 0\n"), 0);
	assert_int_equal(LINES("end 0\nx"), -EBADMSG);
	assert_int_equal(LINES("end 1\n"), -EBADMSG);
	assert_int_equal(LINES("end 00\n"), -EBADMSG);
	assert_int_equal(LINES("0 /a\nend 1\n"), -EBADMSG);
	assert_int_equal(LINES("01 /a\nend 1\n"), -EBADMSG);
	assert_int_equal(LINES("1001 /a\nend 1\n"), -EBADMSG);
	assert_int_equal(LINES("1  /a\nend 1\n"), -EBADMSG);
	assert_int_equal(LINES("1 a\nend 1\n"), -EBADMSG);
	assert_int_equal(LINES("1 \nend 1\n"), -EBADMSG);
	assert_int_equal(LINES("1 /a\tb\nend 1\n"), -EBADMSG);
	assert_int_equal(LINES("1 /b\n1 /a\nend 2\n"), -EBADMSG);
	assert_int_equal(LINES("1 /a\n1 /a\nend 2\n"), -EBADMSG);
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

static uint32_t stored(const struct store *s, const char *program)
{
	struct boot_unused u = { 0 };
	uint32_t n_boots;
	int r = boot_unused_load(s, &u);

	assert_true(r == 0 || r == -ENOENT);
	n_boots = boot_unused_boots(&u, program);
	boot_unused_done(&u);
	return n_boots;
}

static void test_stored(void **state)
{
	char dir[] = "/tmp/elfcast-test-unused-XXXXXX", command[64];
	_cleanup_(store_done) struct store s = { 0 };
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	/* A machine that has just booted is no evidence. */
	bool is_evidence = seconds(CLOCK_BOOTTIME) >= UNUSED_SHORTEST_S &&
			   seconds(CLOCK_REALTIME) >= LAUNCHES_FIRST_CLOCK_S;
	(void)state;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(store_open(dir, false, &s), 0);
	assert_int_equal(boot_unused_note_stored(&s, &l, 0), 0); /* no pack */
	assert_int_equal(stored(&s, a), 0);
	put_pack(&s);
	assert_int_equal(boot_unused_note_stored(&s, &l, UNUSED_LATEST_S + 1), 0);
	assert_int_equal(stored(&s, a), 0); /* watched too late */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(boot_unused_note_stored(&s, &l, 5), 0);
		assert_int_equal(stored(&s, a), is_evidence);
		assert_int_equal(stored(&s, b), 0); /* the boot itself */
		assert_int_equal(stored(&s, c), is_evidence);
	}
	assert_int_equal(launch_counts_count(&l, a, seconds(CLOCK_REALTIME)), 0);
	assert_int_equal(boot_unused_note_stored(&s, &l, UNUSED_LATEST_S + 1), 0);
	assert_int_equal(stored(&s, a), 0); /* watched late, but launched */
	assert_int_equal(stored(&s, c), is_evidence);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_five_boots_without_launch),
		cmocka_unit_test(test_a_launch_starts_anew),
		cmocka_unit_test(test_a_boot_counts_once),
		cmocka_unit_test(test_who_left_the_pack_is_forgotten),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
