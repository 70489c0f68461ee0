/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "macro.h"
#include "prefetch-plan.h"

struct expectation {
	struct prefetch_work work;
	unsigned n_threads;
	struct prefetch_plan plan;
};

static void check(const struct expectation *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct prefetch_plan p = prefetch_plan_threads(&e[i].work, e[i].n_threads);

		if (p.n_openers != e[i].plan.n_openers ||
		    p.n_askers != e[i].plan.n_askers ||
		    p.openers_ask_too != e[i].plan.openers_ask_too ||
		    p.batch_calls != e[i].plan.batch_calls ||
		    p.batch_pages != e[i].plan.batch_pages || p.depth != e[i].plan.depth)
			fail_msg("%zu: %u openers, %u askers, %d, batches of %u and %u, "
				 "depth %u",
				 i, p.n_openers, p.n_askers, p.openers_ask_too,
				 p.batch_calls, p.batch_pages, p.depth);
	}
}

static void threads_are_shared_out(void **state)
{
	static const struct expectation e[] = {
		/* One asks, in the order of first touch. */
		{ { 100, 900, STORAGE_NETWORK }, 0, { 7, 1, false, 32, 64 } },
		{ { 100, 900, STORAGE_FLASH }, 0, { 7, 1, false, 32, 64 } },
		{ { 100, 900, STORAGE_FLASH }, 5, { 4, 1, false, 32, 64 } },
		{ { 100, 900, STORAGE_FLASH }, 1, { 0, 1, false, 32, 64 } },
		{ { 100, 900, STORAGE_FLASH }, 1000, { 63, 1, false, 32, 64 } },
		/* One head, few who open. */
		{ { 100, 900, STORAGE_ROTATIONAL }, 0, { 4, 1, false, 32, 64 } },
		/* One who opens does not throw out what others have unpacked. */
		{ { 100, 900, STORAGE_IMAGE }, 0, { 1, 4, true, 32, 64 } },
		/* The odd one asks. */
		{ { 100, 900, STORAGE_IMAGE }, 5, { 1, 3, true, 32, 64 } },
		/* Of whole blocks each thread asks for one at a time. */
		{ { 100, 900, STORAGE_IMAGE, .whole_blocks = true },
		  0,
		  { 1, 8, false, 32, 64 } },
	};

	(void)state;
	check(e, ARRAY_SIZE(e));
}

static void no_more_threads_than_work(void **state)
{
	static const struct expectation e[] = {
		{ { 2, 3, STORAGE_NETWORK }, 0, { 2, 1, false, 32, 64 } },
		{ { 1, 1, STORAGE_NETWORK }, 0, { 0, 1, false, 32, 64 } },
		{ { 1, 900, STORAGE_NETWORK }, 0, { 0, 1, false, 32, 64 } },
		{ { 0, 0, STORAGE_NETWORK }, 0, { 0, 0, false, 32, 64 } },
		{ { 2, 3, STORAGE_IMAGE }, 0, { 1, 3, true, 32, 64 } },
		{ { 0, 0, STORAGE_ROTATIONAL }, 0, { 0, 0, false, 32, 64 } },
		{ { 0, 0, STORAGE_NETWORK, true }, 0, { 0, 0, false, 4, 32, 1 } },
		{ { 3, 5, STORAGE_NETWORK, true }, 0, { 3, 5, false, 4, 32, 1 } },
	};

	(void)state;
	check(e, ARRAY_SIZE(e));
}

static void gentle_readers_are_few_where_second_ones_wait(void **state)
{
	static const struct expectation e[] = {
		{ { 100, 900, STORAGE_ROTATIONAL, true }, 0, { 4, 1, false, 4, 32, 1 } },
		{ { 100, 900, STORAGE_NETWORK, true }, 0, { 8, 8, false, 4, 32, 1 } },
		{ { 100, 900, STORAGE_FLASH, true }, 0, { 0, 1, false, 4, 32, 1 } },
		{ { 100, 900, STORAGE_IMAGE, true }, 64, { 2, 2, false, 4, 32, 1 } },
	};

	(void)state;
	check(e, ARRAY_SIZE(e));
}

/* What a boot waits for: as much under way as fills the disk, and the boot reads beside it. */
static void eager_readers_fill_the_disk_and_no_more(void **state)
{
	static const struct expectation e[] = {
		{ { 100, 900, STORAGE_ROTATIONAL, true, true },
		  0,
		  { 4, 1, false, 64, 64, 16 } },
		{ { 100, 900, STORAGE_NETWORK, true, true },
		  0,
		  { 4, 3, false, 64, 64, 1 } },
		{ { 100, 900, STORAGE_FLASH, true, true }, 0, { 2, 2, false, 64, 64, 4 } },
		{ { 100, 900, STORAGE_IMAGE, true, true },
		  64,
		  { 16, 8, false, 64, 64, 1 } },
		{ { 1, 2, STORAGE_NETWORK, true, true }, 0, { 1, 2, false, 64, 64, 1 } },
	};

	(void)state;
	check(e, ARRAY_SIZE(e));
}

static void descriptors_are_kept_back(void **state)
{
	struct prefetch_work w = { .n_objects = 3000 };

	(void)state;
	assert_int_equal(prefetch_wanted_descriptors(&w), 3064);
	assert_int_equal(prefetch_max_ahead(&w, 3064), 3000);
	assert_int_equal(prefetch_max_ahead(&w, 129), 65);
	assert_int_equal(prefetch_max_ahead(&w, 128), 32);
	assert_int_equal(prefetch_max_ahead(&w, 3), 0);
	/* RLIM_INFINITY */
	assert_int_equal(prefetch_max_ahead(&w, UINT64_MAX), UINT32_MAX);
	w.n_objects = UINT32_MAX;
	assert_true(prefetch_wanted_descriptors(&w) == (uint64_t)UINT32_MAX + 64);
	w.gentle = true;
	assert_int_equal(prefetch_max_ahead(&w, 3064), 256);
	assert_int_equal(prefetch_max_ahead(&w, 200), 136);
}

/* One object for each of PATHS, each with N_EXTENTS extents of one page, STEP pages apart. */
static bool gains(const char *const *paths, uint32_t n_extents, uint32_t step)
{
	enum { OBJECTS = 12, EXTENTS = 400 };
	static struct shadow_object objects[OBJECTS];
	static struct shadow_extent extents[EXTENTS];
	static char strings[4096];
	struct shadow s = { .objects = objects, .extents = extents, .strings = strings };
	size_t used = 0;

	for (; paths[s.n_objects]; s.n_objects++) {
		struct shadow_object *o = &objects[s.n_objects];

		o->path = le32_make((uint32_t)used);
		used += (size_t)sprintf(strings + used, "%s", paths[s.n_objects]) + 1;
		o->first_extent = le32_make(n_extents > 0 ? s.n_extents : SHADOW_NONE);
		for (uint32_t i = 0; i < n_extents; i++, s.n_extents++)
			extents[s.n_extents] = (struct shadow_extent){
				.object = le32_make(s.n_objects),
				.first_pgno = le32_make(i * step),
				.n_pages = le32_make(1),
				.next = le32_make(i + 1 < n_extents ? s.n_extents + 1
								    : SHADOW_NONE),
			};
	}
	return prefetch_gains_by_sweep(&s);
}

/* 15 blocks for each directory, but for three. */
static void a_sweep_pays_for_the_directories_on_the_way(void **state)
{
	static const char *const usual[] = { "/etc/ld.so.cache", "/usr/bin/a", "/usr/lib/a",
					     "/usr/lib/b", NULL };
	static const char *const many[] = { "/etc/a",	      "/usr/bin/a",   "/usr/lib/a",
					    "/usr/share/a/b", "/usr/share/b", NULL };

	(void)state;
	assert_true(gains(usual, 1, 32));
	assert_true(gains(usual, 40, 32));
	assert_false(gains(many, 6, 32)); /* 30 blocks for two more: not less, not more */
	assert_true(gains(many, 7, 32));
	/* Of one block, and of two. */
	assert_false(gains(many, 31, 1));
	assert_false(gains(many, 34, 1));
	/* Files of which nothing is read are not opened. */
	assert_true(gains(many, 0, 1));
}

static void main_storage_is_where_most_extents_lie(void **state)
{
	static struct shadow_object objects[] = { { .storage = STORAGE_IMAGE },
						  { .storage = STORAGE_NETWORK },
						  { .storage = STORAGE_FLASH } };
	struct shadow_extent extents[5] = { 0 };
	struct shadow s = { .objects = objects,
			    .n_objects = ARRAY_SIZE(objects),
			    .extents = extents };

	(void)state;
	assert_int_equal(prefetch_main_storage(&s), STORAGE_ROTATIONAL);
	s.n_extents = 5;
	for (uint32_t i = 1; i < 3; i++)
		extents[i].object = le32_make(1);
	assert_int_equal(prefetch_main_storage(&s), STORAGE_IMAGE);
	extents[4].object = le32_make(2);
	extents[0].object = le32_make(2);
	extents[3].object = le32_make(2);
	assert_int_equal(prefetch_main_storage(&s), STORAGE_FLASH);
	/* In a draw the first class. */
	extents[4].object = le32_make(0);
	assert_int_equal(prefetch_main_storage(&s), STORAGE_NETWORK);
}

/* A range is asked for in calls that the kernel does not cut, whatever its pages are. */
static void calls_are_of_whole_pages(void **state)
{
	static const struct {
		uint32_t per, longest;
	} devices[] = {
		{ 1, 32 }, { 1, 41 }, { 4, 32 }, { 4, 40 }, { 16, 32 }, { 16, 16 }
	};
	const uint32_t n_pages = 100;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(devices); k++)
		for (uint32_t first = 0; first < 40; first++) {
			uint32_t per = devices[k].per, done = 0, n;
			uint32_t longest = devices[k].longest;

			for (; done < n_pages; done += n) {
				uint32_t at = first + done;

				n = prefetch_call_pages(at, n_pages - done, longest, per);
				assert_true(n > 0 && n <= n_pages - done);
				/* What the kernel reads of it, in our pages. */
				assert_true(DIV_ROUND_UP(at + n, per) * per -
						    at / per * per <=
					    longest);
				assert_true(done + n == n_pages || (at + n) % per == 0);
			}
		}
	assert_int_equal(prefetch_call_pages(10, 40, 4, 4), 2);
	assert_int_equal(prefetch_call_pages(12, 38, 4, 4), 4);
	assert_int_equal(prefetch_call_pages(10, 1, 4, 4), 1);
	assert_int_equal(prefetch_call_pages(10, 40, 4, 1), 4);
}

/* Nothing is left behind a usual call that costs as a request of its own more than as a part of it. */
static void a_short_rest_comes_along(void **state)
{
	(void)state;
	assert_int_equal(prefetch_call_pages(0, 32, 41, 1), 32);
	assert_int_equal(prefetch_call_pages(0, 41, 41, 1), 41);
	assert_int_equal(prefetch_call_pages(0, 42, 41, 1), 32);
	/* Where that would be cut short. */
	assert_int_equal(prefetch_call_pages(0, 36, 32, 1), 32);
	assert_int_equal(prefetch_call_pages(2, 36, 40, 4), 36);
	assert_int_equal(prefetch_call_pages(2, 39, 40, 4), 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_are_shared_out),
		cmocka_unit_test(no_more_threads_than_work),
		cmocka_unit_test(gentle_readers_are_few_where_second_ones_wait),
		cmocka_unit_test(eager_readers_fill_the_disk_and_no_more),
		cmocka_unit_test(descriptors_are_kept_back),
		cmocka_unit_test(a_sweep_pays_for_the_directories_on_the_way),
		cmocka_unit_test(main_storage_is_where_most_extents_lie),
		cmocka_unit_test(calls_are_of_whole_pages),
		cmocka_unit_test(a_short_rest_comes_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
