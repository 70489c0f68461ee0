/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "macro.h"
#include "residency.h"

/* Not in /tmp: that may be tmpfs, whose pages cannot be dropped. */
static int open_temp(void)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static uint32_t count(const uint8_t *pages, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += pages[i];
	return sum;
}

/* Bytes 0 and 1 and the odd bits that mincore() may set, for each size of pages. */
static void test_pages_of_the_processor(void **state)
{
	static const unsigned char vec[] = { 0x01, 0xfe, 0x03, 0x01 };
	static const size_t sizes[] = { 4096, 16384, 65536 };
	uint8_t got[ARRAY_SIZE(vec) * 16 + 1];

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		size_t per = sizes[k] / PAGE_BYTES;
		/* The file ends in the first 4096 bytes of the last page. */
		size_t n = (ARRAY_SIZE(vec) - 1) * per + 1;

		memset(got, 0xaa, sizeof(got));
		residency_expand(vec, sizes[k], n, got);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(got[i], i / per != 1);
		assert_int_equal(got[n], 0xaa);
	}
}

static void test_pieces_are_parts_of_one_page_or_whole_ones(void **state)
{
	static const uint64_t sizes[] = { 1, 4, 16 };

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
		for (uint64_t first = 0; first < 20; first++)
			for (uint64_t n = 1; n < 60; n++) {
				uint64_t per = sizes[k], at = first, pieces = 0;

				for (; at < first + n; pieces++) {
					uint64_t piece =
						residency_piece(at, first + n - at, per);
					bool whole = at % per == 0 && piece % per == 0;

					assert_true(piece > 0 && at + piece <= first + n);
					assert_true(whole ||
						    at / per == (at + piece - 1) / per);
					at += piece;
				}
				assert_true(pieces <= (per == 1 ? 1 : 3));
			}
}

/*
 * What was written in part is not "resident" to mincore() where blocks are smaller than pages,
 * nor when that part was read: see findings.
 */
static void forget_and_read(int fd, off_t off, size_t bytes)
{
	_cleanup_free_ char *data = malloc(bytes);

	assert_non_null(data);
	assert_int_equal(residency_evict(fd), 0);
	assert_int_equal(pread(fd, data, bytes, off), bytes);
}

static void test_written_then_evicted(void **state)
{
	enum { N = 37 };
	static char data[N * PAGE_BYTES - 100];
	_cleanup_close_ int fd = open_temp();
	_cleanup_free_ uint8_t *before = NULL, *after = NULL;
	struct residency_count c;
	uint32_t n, per = (uint32_t)sysconf(_SC_PAGESIZE) / PAGE_BYTES;

	(void)state;
	assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
	forget_and_read(fd, 0, sizeof(data));
	assert_int_equal(residency_read(fd, &before, &n), 0);
	assert_int_equal(n, N);
	assert_int_equal(count(before, n), N);
	assert_int_equal(residency_evict(fd), 0);
	assert_int_equal(residency_read(fd, &after, &n), 0);
	assert_int_equal(n, N);
	assert_int_equal(count(after, n), 0);
	/* One page back, without readahead. */
	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	assert_int_equal(pread(fd, data, 1, 5 * PAGE_BYTES), 1);
	free(TAKE_PTR(after));
	assert_int_equal(residency_read(fd, &after, &n), 0);
	assert_int_equal(after[5], 1);
	assert_int_equal(count(after, n), per);
	assert_int_equal(residency_count(fd, 0, N, &c), 0);
	assert_int_equal(c.n_resident, per);
	assert_int_equal(residency_count(fd, 5, 1, &c), 0);
	assert_int_equal(c.n_resident, 1);
	assert_int_equal(residency_count(fd, 5 / per * per + per, 1000, &c), 0);
	assert_int_equal(c.n_resident, 0);
}

static void test_odd_files(void **state)
{
	_cleanup_close_ int fd = open_temp(), dir = open("/", O_RDONLY | O_CLOEXEC);
	uint8_t *pages = (uint8_t *)1;
	uint32_t n = 9, per = (uint32_t)sysconf(_SC_PAGESIZE) / PAGE_BYTES;

	(void)state;
	assert_int_equal(residency_read(fd, &pages, &n), 0);
	assert_null(pages);
	assert_int_equal(n, 0);
	assert_int_equal(residency_read(dir, &pages, &n), -EINVAL);
	/* Larger than one piece, with a hole in it. */
	assert_int_equal(ftruncate(fd, ((off_t)1 << 30) + 5 * PAGE_BYTES), 0);
	assert_int_equal(pwrite(fd, "x", 1, ((off_t)1 << 30) + 3 * PAGE_BYTES), 1);
	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	forget_and_read(fd, ((off_t)1 << 30) + 3 * PAGE_BYTES, 1);
	assert_int_equal(residency_read(fd, &pages, &n), 0);
	assert_int_equal(n, (1 << 18) + 5);
	assert_int_equal(count(pages, n), MIN(per, 5));
	assert_int_equal(pages[(1 << 18) + 3], 1);
	free(pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_of_the_processor),
		cmocka_unit_test(test_pieces_are_parts_of_one_page_or_whole_ones),
		cmocka_unit_test(test_written_then_evicted),
		cmocka_unit_test(test_odd_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
