/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Intervals by their numbers; scans on this process's own memory, by both ways to read
 * pagemap. Addresses below are in pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "address-space.h"
#include "bounds.h"
#include "macro.h"

enum { FILE_PAGES = 64 };

static uint8_t when[3][FILE_PAGES];
static struct traced_file files[3];
static struct address_space *as;

static int start(void **state)
{
	(void)state;
	memset(when, 0, sizeof(when));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		files[i] = (struct traced_file){
			.object = { .n_pages = FILE_PAGES,
				    .size_bytes = FILE_PAGES * PAGE_BYTES,
				    .when = when[i] },
		};
	as = address_space_new(getpid(), false);
	if (!as)
		return -1;
	as->page_bytes = PAGE_BYTES;
	return 0;
}

static int end(void **state)
{
	(void)state;
	address_space_free(as);
	return 0;
}

static void map(uint64_t at, uint64_t n, uint64_t pgno, unsigned file)
{
	assert_int_equal(
		address_space_map(as, at * PAGE_BYTES, n * PAGE_BYTES, pgno, &files[file]),
		0);
}

static void unmap(uint64_t at, uint64_t n)
{
	/* Not scanned: these addresses are nobody's. */
	closep(&as->pagemap);
	as->pagemap = -1;
	assert_int_equal(address_space_unmap(as, at * PAGE_BYTES, n * PAGE_BYTES, 0), 0);
}

struct expected {
	uint64_t start, end, pgno;
	unsigned file;
};

static void check(const struct expected *e, size_t n)
{
	assert_int_equal(as->n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(as->maps[i].start, e[i].start * PAGE_BYTES);
		assert_int_equal(as->maps[i].end, e[i].end * PAGE_BYTES);
		assert_int_equal(as->maps[i].pgno, e[i].pgno);
		assert_ptr_equal(as->maps[i].file, &files[e[i].file]);
	}
}

#define CHECK(...)                                                                         \
	do {                                                                               \
		const struct expected e[] = { __VA_ARGS__ };                               \
		check(e, ARRAY_SIZE(e));                                                   \
	} while (0)

static void maps_stay_sorted(void **state)
{
	(void)state;
	map(30, 5, 0, 1);
	map(10, 5, 7, 0);
	map(20, 5, 9, 2);
	CHECK({ 10, 15, 7, 0 }, { 20, 25, 9, 2 }, { 30, 35, 0, 1 });
	/* One that ends where the next begins touches neither of the two. */
	map(15, 5, 1, 1);
	CHECK({ 10, 15, 7, 0 }, { 15, 20, 1, 1 }, { 20, 25, 9, 2 }, { 30, 35, 0, 1 });
}

static void new_one_replaces_what_was_there(void **state)
{
	(void)state;
	map(10, 10, 0, 0);
	map(13, 4, 40, 1); /* in the middle: the rest keeps its pages */
	CHECK({ 10, 13, 0, 0 }, { 13, 17, 40, 1 }, { 17, 20, 7, 0 });
	map(12, 7, 50, 2); /* over the end of one, all of one, the start of one */
	CHECK({ 10, 12, 0, 0 }, { 12, 19, 50, 2 }, { 19, 20, 9, 0 });
	map(10, 10, 5, 1);
	CHECK({ 10, 20, 5, 1 });
}

static void unmapping_cuts(void **state)
{
	(void)state;
	map(10, 10, 0, 0);
	map(30, 10, 0, 1);
	unmap(20, 10); /* a hole already */
	CHECK({ 10, 20, 0, 0 }, { 30, 40, 0, 1 });
	unmap(18, 14);
	CHECK({ 10, 18, 0, 0 }, { 32, 40, 2, 1 });
	unmap(12, 1);
	CHECK({ 10, 12, 0, 0 }, { 13, 18, 3, 0 }, { 32, 40, 2, 1 });
	unmap(10, 2);
	CHECK({ 13, 18, 3, 0 }, { 32, 40, 2, 1 });
	unmap(0, 100);
	assert_int_equal(as->n, 0);
}

static void ranges_are_whole_pages(void **state)
{
	(void)state;
	/* As the kernel does: up to the end of the page. */
	assert_int_equal(
		address_space_map(as, 10 * PAGE_BYTES, PAGE_BYTES + 1, 0, &files[0]), 0);
	CHECK({ 10, 12, 0, 0 });
	/* What it refuses is not there: not at a page, empty, past the end of all addresses. */
	address_space_map(as, 20 * PAGE_BYTES + 1, PAGE_BYTES, 0, &files[0]);
	address_space_map(as, 20 * PAGE_BYTES, 0, 0, &files[0]);
	address_space_map(as, 20 * PAGE_BYTES, UINT64_MAX, 0, &files[0]);
	address_space_map(as, UINT64_MAX - PAGE_BYTES + 1, PAGE_BYTES - 1, 0, &files[0]);
	CHECK({ 10, 12, 0, 0 });
}

static bool overlaps(uint64_t at, uint64_t n)
{
	return address_space_overlaps(as, at * PAGE_BYTES, n * PAGE_BYTES);
}

static void overlaps_are_seen(void **state)
{
	(void)state;
	assert_false(overlaps(0, 1000));
	map(10, 10, 0, 0);
	assert_false(overlaps(0, 10));
	assert_true(overlaps(0, 11));
	assert_true(overlaps(12, 1));
	assert_true(overlaps(19, 100));
	assert_false(overlaps(20, 100));
}

/* Pages 3, 4 and 5 of this process's memory are touched; they are pages of two files. */
static void scan(bool by_scan, bool by_unmap)
{
	uint8_t *p = mmap(NULL, 8 * PAGE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at = (uintptr_t)p / PAGE_BYTES;

	assert_ptr_not_equal(p, MAP_FAILED);
	madvise(p, 8 * PAGE_BYTES, MADV_NOHUGEPAGE);
	if (sysconf(_SC_PAGESIZE) != PAGE_BYTES)
		skip();
	as->by_scan = by_scan;
	map(at, 4, 20, 0);     /* p[0..3] are pages 20..23 */
	map(at + 4, 2, 40, 1); /* p[4..5] are pages 40..41; contiguous, another file */
	map(at + 7, 1, 50, 2); /* behind a hole */
	p[3 * PAGE_BYTES] = p[4 * PAGE_BYTES] = p[5 * PAGE_BYTES] = 1;
	p[6 * PAGE_BYTES] = 1; /* nobody's */
	if (by_unmap)
		assert_int_equal(address_space_unmap(as, (uintptr_t)p, 5 * PAGE_BYTES, 4),
				 0);
	else
		address_space_scan(as, NULL, 4);
	assert_int_equal(when[0][23], 5);
	assert_int_equal(files[0].n_used, 1);
	assert_int_equal(when[1][40], 5);
	/* What is not unmapped is not looked at. */
	assert_int_equal(when[1][41], by_unmap ? 0 : 5);
	assert_int_equal(files[1].n_used, by_unmap ? 1 : 2);
	assert_int_equal(files[2].n_used, 0);
	if (by_unmap)
		CHECK({ at + 5, at + 6, 41, 1 }, { at + 7, at + 8, 50, 2 });
	munmap(p, 8 * PAGE_BYTES);
}

static void touched_pages_are_found(void **state)
{
	(void)state;
	scan(false, false);
}

static void touched_pages_are_found_by_scan(void **state)
{
	(void)state;
	if (!address_space_exact_supported())
		skip();
	scan(true, false);
}

static void vanishing_pages_are_recorded_first(void **state)
{
	(void)state;
	scan(false, true);
}

/* ---- pages of 4, 16 and 64 KiB ---- */

enum { N_ENTRIES = 64 };

/* A pagemap in which pages 1, 2 and 5 from the one at ADDR on are present, page 3 swapped. */
static void stand_in_pagemap(uint64_t addr)
{
	static uint64_t entries[N_ENTRIES];

	memset(entries, 0, sizeof(entries));
	entries[1] = entries[2] = entries[5] = 1ull << 63;
	entries[3] = 1ull << 62;
	close(as->pagemap);
	as->pagemap = memfd_create("pagemap", MFD_CLOEXEC);
	assert_true(as->pagemap >= 0);
	assert_int_equal(pwrite(as->pagemap, entries, sizeof(entries),
				(off_t)(addr / as->page_bytes * sizeof(entries[0]))),
			 sizeof(entries));
}

static void assert_touched(unsigned file, uint64_t pgno, uint64_t n_pages, bool touched)
{
	for (uint64_t i = pgno; i < pgno + n_pages; i++)
		assert_int_equal(when[file][i], touched ? 5 : 0);
}

static void pages_of_the_processor(uint64_t page_bytes)
{
	uint64_t addr = 40 * page_bytes, per = page_bytes / PAGE_BYTES;

	as->page_bytes = page_bytes;
	stand_in_pagemap(addr);
	/* Files of 3 native pages less 4096 bytes, where that is less; lengths are rounded up. */
	assert_int_equal(
		address_space_map(as, addr, 3 * page_bytes - PAGE_BYTES + 1, 0, &files[0]),
		0);
	assert_int_equal(
		address_space_map(as, addr + 3 * page_bytes, page_bytes, per, &files[1]),
		0);
	assert_int_equal(as->n, 2);
	assert_int_equal(as->maps[0].end, addr + 3 * page_bytes);
	/* Only the kernel's own boundaries count. */
	address_space_map(as, addr + 8 * page_bytes + page_bytes / 2, page_bytes, 0,
			  &files[2]);
	assert_int_equal(as->n, 2);
	address_space_scan(as, NULL, 4);
	assert_touched(0, 0, per, false);
	assert_touched(0, per, 2 * per, true);
	assert_touched(1, 0, per, false);
	assert_touched(1, per, per, true);
	assert_int_equal(files[1].n_used, per);
	assert_int_equal(files[2].n_used, 0);
	/* The first native page goes: of the file, as many of ours. */
	assert_int_equal(address_space_unmap(as, addr, 1, 4), 0);
	assert_int_equal(as->maps[0].start, addr + page_bytes);
	assert_int_equal(as->maps[0].pgno, per);
}

static void pages_of_4_kib(void **state)
{
	(void)state;
	pages_of_the_processor(4096);
}

static void pages_of_16_kib(void **state)
{
	(void)state;
	pages_of_the_processor(16384);
}

static void pages_of_64_kib(void **state)
{
	(void)state;
	pages_of_the_processor(65536);
}

/* The file ends inside of the processor's page: what is behind its end is no page of it. */
static void a_file_ends_inside_of_a_page(void **state)
{
	(void)state;
	as->page_bytes = 16384;
	stand_in_pagemap(0);
	files[0].object.n_pages = 6;
	assert_int_equal(address_space_map(as, 0, 5 * PAGE_BYTES + 1, 0, &files[0]), 0);
	address_space_scan(as, NULL, 4);
	assert_touched(0, 0, 4, false);
	assert_touched(0, 4, 2, true);
	assert_touched(0, 6, 2, false);
	assert_int_equal(files[0].n_used, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(maps_stay_sorted, start, end),
		cmocka_unit_test_setup_teardown(new_one_replaces_what_was_there, start,
						end),
		cmocka_unit_test_setup_teardown(unmapping_cuts, start, end),
		cmocka_unit_test_setup_teardown(ranges_are_whole_pages, start, end),
		cmocka_unit_test_setup_teardown(overlaps_are_seen, start, end),
		cmocka_unit_test_setup_teardown(touched_pages_are_found, start, end),
		cmocka_unit_test_setup_teardown(touched_pages_are_found_by_scan, start,
						end),
		cmocka_unit_test_setup_teardown(vanishing_pages_are_recorded_first, start,
						end),
		cmocka_unit_test_setup_teardown(pages_of_4_kib, start, end),
		cmocka_unit_test_setup_teardown(pages_of_16_kib, start, end),
		cmocka_unit_test_setup_teardown(pages_of_64_kib, start, end),
		cmocka_unit_test_setup_teardown(a_file_ends_inside_of_a_page, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
