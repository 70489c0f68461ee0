/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "in-range.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>

#include "touched-page.h"

enum { AROUND = 16, CPUS = 2 };

static struct touches touches;
static int file_a, file_b;
/* What was resolved of each: pages below 256. */
static unsigned char seen_a[256], seen_b[256];

static int setup(void **state)
{
	(void)state;
	memset(seen_a, 0, sizeof(seen_a));
	memset(seen_b, 0, sizeof(seen_b));
	return touches_init(&touches, CPUS, AROUND);
}

static int teardown(void **state)
{
	(void)state;
	touches_done(&touches);
	return 0;
}

static void note(void *file, uint32_t pgno, uint8_t when, void *userdata)
{
	assert_ptr_equal(userdata, &touches);
	assert_true(file == &file_a || file == &file_b);
	assert_uint_in_range(pgno, 0, 255);
	(file == &file_a ? seen_a : seen_b)[pgno] = when;
}

static void expect(const unsigned char *seen, const char *pages)
{
	char text[2048] = "";

	for (unsigned i = 0; i < 256; i++)
		if (seen[i])
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u",
				 *text ? " " : "", i);
	assert_string_equal(text, pages);
}

/*
 * As the kernel's do_fault_around(): thread PID touches page PGNO of a mapping of pages FIRST to
 * END - 1 of FILE, whose first one lies at page AT of its addresses.
 */
static void fault_around(unsigned cpu, uint32_t pid, void *file, uint64_t at,
			 uint64_t first, uint64_t end, uint64_t pgno)
{
	uint64_t page = at + pgno - first, from = page - page % AROUND, to;

	if (from < at)
		from = at;
	to = from + AROUND - 1;
	if (to > at + (end - first) - 1)
		to = at + (end - first) - 1;
	touches_begin(&touches, cpu, pid, page);
	assert_int_equal(touches_mapped(&touches, cpu, pid, file, first + from - at,
					first + to - at, 7),
			 0);
}

static void test_windows(void **state)
{
	(void)state;
	/* Neither the addresses nor the pages are multiples of 16. */
	fault_around(0, 100, &file_a, 0x7f0000000005, 3, 200, 30);
	fault_around(0, 100, &file_a, 0x7f0000000005, 3, 200, 77);
	fault_around(1, 100, &file_a, 0x7f0000000005, 3, 200, 199); /* cut at its end */
	fault_around(1, 100, &file_a, 0x7f0000000005, 3, 200, 4);   /* and at its begin */
	touches_resolve(&touches, note, &touches);
	expect(seen_a, "4 30 77 199");
	expect(seen_b, "");
	assert_int_equal(seen_a[30], 7);
}

/* Programs lie below their pages, too: the distance wraps. */
static void test_below(void **state)
{
	(void)state;
	fault_around(0, 1, &file_a, 2, 100, 250, 130);
	fault_around(0, 1, &file_a, 2, 100, 250, 170);
	touches_resolve(&touches, note, &touches);
	expect(seen_a, "130 170");
}

static void test_one_window_proves_nothing(void **state)
{
	(void)state;
	fault_around(0, 1, &file_a, 0x1005, 0, 250, 1);
	fault_around(0, 1, &file_a, 0x1005, 0, 250, 2); /* the same window again */
	touches_resolve(&touches, note, &touches);
	expect(seen_a, "");
}

/* Threads, and one file's mappings, each have distances of their own. */
static void test_apart(void **state)
{
	(void)state;
	for (uint32_t pid = 1; pid <= 2; pid++) {
		uint64_t at = 0x5000 + 7 * pid;

		fault_around(0, pid, &file_a, at, 0, 100, 20 + pid);
		fault_around(0, pid, &file_a, at, 0, 100, 60 + pid);
		fault_around(0, pid, &file_a, at + 0x101, 100, 250, 120 + pid);
		fault_around(0, pid, &file_a, at + 0x101, 100, 250, 160 + pid);
		fault_around(0, pid, &file_b, at + 0x1003, 0, 100, 90);
	}
	touches_resolve(&touches, note, &touches);
	expect(seen_a, "21 22 61 62 121 122 161 162");
	expect(seen_b, "");
}

/* A page that was not there yet is known; and where its neighbours were, they are guessed by it. */
static void test_exact(void **state)
{
	(void)state;
	touches_begin(&touches, 0, 9, 0x2000 + 40);
	assert_int_equal(touches_exact(&touches, 0, 9, &file_a, 40, 5), 0);
	fault_around(0, 9, &file_a, 0x2000, 0, 250, 99);
	/* Of a touch that is not told, of another kind. */
	touches_mapped(&touches, 0, 9, &file_a, 160, 175, 7);
	touches_resolve(&touches, note, &touches);
	expect(seen_a, "40 99");
}

static void test_who_and_where(void **state)
{
	(void)state;
	touches_begin(&touches, 0, 9, 0x2000);
	assert_int_equal(touches_exact(&touches, 1, 9, &file_a, 1, 5), 0); /* elsewhere */
	assert_int_equal(touches_exact(&touches, 0, 8, &file_a, 2, 5), 0); /* another */
	assert_int_equal(touches_exact(&touches, 0, 9, &file_a, 3, 5), 0);
	assert_int_equal(touches_exact(&touches, 0, 9, &file_a, 4, 5), 0); /* answered */
	assert_int_equal(touches_exact(&touches, CPUS, 9, &file_a, 5, 5),
			 0); /* no such CPU */
	touches_begin(&touches, CPUS, 9, 0x2000);
	touches_resolve(&touches, note, &touches);
	expect(seen_a, "3");
}

static void test_nonsense(void **state)
{
	(void)state;
	touches_begin(&touches, 0, 9, UINT64_MAX);
	touches_mapped(&touches, 0, 9, &file_a, 5, 4, 1);
	touches_mapped(&touches, 0, 9, &file_a, 0, UINT64_MAX, 1);
	touches_mapped(&touches, 0, 9, &file_a, 0, 65535, 1);
	touches_mapped(&touches, 0, 9, &file_a, (uint64_t)1 << 32, ((uint64_t)1 << 32) + 3,
		       1);
	assert_int_equal(touches.n, 0);
	/* More distances than are kept, and more windows. */
	for (uint32_t i = 0; i < 300000; i++) {
		touches_begin(&touches, 0, 9, (uint64_t)i * 1009);
		touches_mapped(&touches, 0, 9, &file_a, i % 200, i % 200 + 15, 1);
	}
	assert_int_equal(touches.n, 1u << 18);
	assert_int_equal(touches.n_dropped, 300000 - (1u << 18));
	touches_resolve(&touches, note, &touches);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_windows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_below, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_window_proves_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_and_where, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
