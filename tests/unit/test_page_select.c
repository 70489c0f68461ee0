/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "macro.h"
#include "page-select.h"

enum { FILE_PAGES = 100000 };

static void add(struct pageset *s, uint32_t first, uint32_t n, uint32_t runs, uint32_t when)
{
	assert_int_equal(pageset_append(s, &(struct page_run){ first, n, runs, when }), 0);
}

/* Runs that PAGES, {first, pages}, are read in; 0 ends them. */
static void check_runs(enum storage_class c, const uint32_t (*pages)[2],
		       const uint32_t (*expected)[2])
{
	_cleanup_(pageset_done) struct pageset s = { 0 }, ret = { 0 };

	for (uint32_t when = 9; (*pages)[1]; pages++, when--)
		add(&s, (*pages)[0], (*pages)[1], 1, when);
	assert_int_equal(select_pages(&s, 1, c, FILE_PAGES, &ret), 0);
	for (size_t i = 0; i < ret.n_runs; i++, expected++) {
		assert_int_equal(ret.runs[i].first_pgno, (*expected)[0]);
		assert_int_equal(ret.runs[i].n_pages, (*expected)[1]);
	}
	assert_int_equal((*expected)[1], 0);
}

/* On an SD card a request takes as long as nearly ten pages do, and a few of them have a price. */
static void test_holes_are_filled_where_requests_become_fewer(void **state)
{
	static const struct {
		enum storage_class storage;
		uint32_t pages[8][2], expected[8][2];
	} cases[] = {
		/* Both in the time of one request. */
		{ STORAGE_FLASH, { { 10, 1 }, { 16, 1 } }, { { 10, 7 } } },
		{ STORAGE_FLASH, { { 10, 1 }, { 20, 1 } }, { { 10, 11 } } },
		/* Longer than that one request more would take. */
		{ STORAGE_FLASH, { { 10, 1 }, { 21, 1 } }, { { 10, 1 }, { 21, 1 } } },
		/* Two that take longer than a request anyhow stay so, but for a small hole. */
		{ STORAGE_FLASH, { { 10, 20 }, { 35, 20 } }, { { 10, 20 }, { 35, 20 } } },
		{ STORAGE_FLASH, { { 10, 20 }, { 31, 20 } }, { { 10, 41 } } },
		/* The small one goes to the nearer of its neighbours. */
		{ STORAGE_FLASH,
		  { { 10, 20 }, { 35, 1 }, { 39, 20 } },
		  { { 10, 20 }, { 35, 24 } } },
		{ STORAGE_FLASH,
		  { { 10, 20 }, { 33, 1 }, { 39, 20 } },
		  { { 10, 24 }, { 39, 20 } } },
		{ STORAGE_NETWORK, { { 10, 20 }, { 35, 20 } }, { { 10, 20 }, { 35, 20 } } },
		/* A sweep passes by a hole as fast as it reads it. */
		{ STORAGE_ROTATIONAL, { { 10, 20 }, { 35, 20 } }, { { 10, 45 } } },
		{ STORAGE_IMAGE, { { 10, 20 }, { 35, 20 } }, { { 10, 45 } } },
		{ STORAGE_ROTATIONAL, { { 10, 1 }, { 17, 1 } }, { { 10, 1 }, { 17, 1 } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_runs(cases[i].storage, cases[i].pages, cases[i].expected);
}

static void test_what_is_joined_is_needed_with_its_first_page(void **state)
{
	_cleanup_(pageset_done) struct pageset s = { 0 }, ret = { 0 };

	(void)state;
	add(&s, 10, 1, 1, 9);
	add(&s, 12, 1, 1, 3);
	add(&s, 14, 1, 1, 5);
	assert_int_equal(select_pages(&s, 1, STORAGE_FLASH, FILE_PAGES, &ret), 0);
	assert_int_equal(ret.n_runs, 1);
	assert_int_equal(ret.runs[0].when, 3);
}

static void test_unlikely_pages(void **state)
{
	_cleanup_(pageset_done) struct pageset s = { 0 }, ret = { 0 };

	(void)state;
	add(&s, 0, 1, 100, 0);
	add(&s, 2, 1, 6, 1);	 /* 6 %, beside a page that is read anyway: kept */
	add(&s, 4, 1, 1, 2);	 /* 1 %, beside: not worth its transfer on flash */
	add(&s, 1000, 1, 49, 3); /* 49 %, alone: a request for nothing half of the time */
	add(&s, 2000, 1, 50, 4);
	assert_int_equal(select_pages(&s, 100, STORAGE_FLASH, FILE_PAGES, &ret), 0);
	assert_int_equal(ret.n_runs, 2);
	assert_int_equal(ret.runs[0].n_pages, 3);
	assert_int_equal(ret.runs[1].first_pgno, 2000);
}

static void test_beside_ends_with_the_gap(void **state)
{
	const uint32_t gap = 5; /* GAP_MAX_PAGES */

	(void)state;
	for (uint32_t hole = gap; hole <= gap + 1; hole++) {
		_cleanup_(pageset_done) struct pageset s = { 0 }, ret = { 0 };

		add(&s, 0, 1, 100, 0);
		add(&s, 1 + hole, 1, 6, 1);
		assert_int_equal(select_pages(&s, 100, STORAGE_FLASH, FILE_PAGES, &ret), 0);
		assert_int_equal(ret.n_runs, 1);
		assert_int_equal(ret.runs[0].n_pages, hole == gap ? gap + 2 : 1);
	}
}

static void test_latency_makes_more_pages_worth_it(void **state)
{
	_cleanup_(pageset_done) struct pageset s = { 0 }, flash = { 0 }, network = { 0 };

	(void)state;
	add(&s, 0, 1, 3, 0); /* 30 %, alone */
	assert_int_equal(select_pages(&s, 10, STORAGE_FLASH, FILE_PAGES, &flash), 0);
	assert_int_equal(select_pages(&s, 10, STORAGE_NETWORK, FILE_PAGES, &network), 0);
	assert_int_equal(flash.n_runs, 0);
	assert_int_equal(network.n_runs, 1);
}

static void test_unlikely_pages_chain_both_ways(void **state)
{
	_cleanup_(pageset_done) struct pageset s = { 0 }, ret = { 0 };

	(void)state;
	add(&s, 0, 1, 2, 0);
	add(&s, 4, 1, 2, 0);
	add(&s, 8, 1, 10, 0); /* the one that makes its neighbours cheap */
	add(&s, 12, 1, 2, 0);
	assert_int_equal(select_pages(&s, 10, STORAGE_FLASH, FILE_PAGES, &ret), 0);
	assert_int_equal(ret.n_runs, 1);
	assert_int_equal(ret.runs[0].n_pages, 13);
}

static void test_clipped_to_the_file(void **state)
{
	_cleanup_(pageset_done) struct pageset s = { 0 }, ret = { 0 };

	(void)state;
	add(&s, 5, 10, 1, 0);
	add(&s, 500, 1, 1, 0);
	assert_int_equal(select_pages(&s, 1, STORAGE_FLASH, 8, &ret), 0);
	assert_int_equal(ret.n_runs, 1);
	assert_int_equal(pageset_end(&ret), 8);
}

static void test_own_result_is_a_fixed_point(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 500; round++) {
		enum storage_class c = (enum storage_class)(round % STORAGE_CLASSES);
		_cleanup_(pageset_done) struct pageset s = { 0 }, once = { 0 },
						       twice = { 0 };
		uint32_t pgno = 0;

		for (int i = 0; i < 50; i++) {
			uint32_t n = 1 + rand_r(&seed) % 5;

			pgno += rand_r(&seed) % 60;
			add(&s, pgno, n, 1 + rand_r(&seed) % 10, rand_r(&seed) % 20);
			pgno += n;
		}
		assert_int_equal(select_pages(&s, 10, c, FILE_PAGES, &once), 0);
		assert_int_equal(select_pages(&once, 1, c, FILE_PAGES, &twice), 0);
		assert_true(pageset_equal(&once, &twice));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holes_are_filled_where_requests_become_fewer),
		cmocka_unit_test(test_what_is_joined_is_needed_with_its_first_page),
		cmocka_unit_test(test_beside_ends_with_the_gap),
		cmocka_unit_test(test_unlikely_pages),
		cmocka_unit_test(test_latency_makes_more_pages_worth_it),
		cmocka_unit_test(test_unlikely_pages_chain_both_ways),
		cmocka_unit_test(test_clipped_to_the_file),
		cmocka_unit_test(test_own_result_is_a_fixed_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
