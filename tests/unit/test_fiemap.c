/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fiemap.h"
#include "macro.h"

static void test_find(void **state)
{
	struct fiemap_run items[] = { { 0, 1000, 4096 },
				      { 4096, 9000, 8192 },
				      { 20480, 0, 1 } };
	const struct fiemap_runs runs = { items, ARRAY_SIZE(items), ARRAY_SIZE(items) };
	const struct fiemap_runs none = { 0 };

	(void)state;
	assert_ptr_equal(fiemap_find(&runs, 0), &items[0]);
	assert_ptr_equal(fiemap_find(&runs, 4095), &items[0]);
	assert_ptr_equal(fiemap_find(&runs, 4096), &items[1]);
	assert_ptr_equal(fiemap_find(&runs, 12287), &items[1]);
	assert_ptr_equal(fiemap_find(&runs, 12288), &items[2]); /* a hole before it */
	assert_ptr_equal(fiemap_find(&runs, 20480), &items[2]);
	assert_null(fiemap_find(&runs, 20481));
	assert_null(fiemap_find(&none, 0));
}

/* A file of its own, on whatever file system the build is on. */
static int make_file(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		skip();
	return fd;
}

static void read_or_skip(int fd, struct fiemap_runs *ret)
{
	int r = fiemap_read(fd, ret);

	if (r == -EOPNOTSUPP || r == -ENOTTY)
		skip();
	assert_int_equal(r, 0);
}

/* Written bytes are covered, in order, once synced; the hole is not. */
static void test_file_with_a_hole(void **state)
{
	enum { STEP = 1 << 20, PART = 256 << 10 };
	static char data[PART];
	_cleanup_close_ int fd = make_file();
	struct fiemap_runs runs = { 0 };
	uint64_t end = 0;

	(void)state;
	memset(data, 'x', sizeof(data));
	for (int i = 0; i < 3; i++)
		assert_int_equal(pwrite(fd, data, PART, (off_t)i * STEP), PART);
	assert_int_equal(fsync(fd), 0);
	read_or_skip(fd, &runs);
	assert_true(runs.n >= 3);
	for (size_t i = 0; i < runs.n; i++) {
		assert_true(runs.items[i].file_off >= end && runs.items[i].n_bytes > 0);
		end = runs.items[i].file_off + runs.items[i].n_bytes;
		/* Not joined with what lies elsewhere, but joined with what it touches. */
		if (i > 0 && runs.items[i - 1].file_off + runs.items[i - 1].n_bytes ==
				     runs.items[i].file_off)
			assert_true(runs.items[i - 1].device_off +
					    runs.items[i - 1].n_bytes !=
				    runs.items[i].device_off);
	}
	assert_int_equal(end, 2 * STEP + PART);
	for (uint64_t off = 0; off < 3 * STEP; off += 4096) {
		const struct fiemap_run *run = fiemap_find(&runs, off);

		assert_int_equal(run && run->file_off <= off, off % STEP < PART);
	}
	fiemap_runs_done(&runs);
}

/* More runs than one question returns: every other block written. */
static void test_many_runs(void **state)
{
	enum { N = 300, BLOCK = 65536 };
	static char data[BLOCK];
	_cleanup_close_ int fd = make_file();
	struct fiemap_runs runs = { 0 };

	(void)state;
	for (int i = 0; i < N; i++)
		assert_int_equal(pwrite(fd, data, BLOCK, (off_t)i * 2 * BLOCK), BLOCK);
	assert_int_equal(fsync(fd), 0);
	read_or_skip(fd, &runs);
	assert_true(runs.n >= N);
	for (uint64_t i = 0; i < N; i++) {
		const struct fiemap_run *run = fiemap_find(&runs, i * 2 * BLOCK);

		assert_non_null(run);
		assert_int_equal(run->file_off, i * 2 * BLOCK);
	}
	fiemap_runs_done(&runs);
}

static void test_no_places(void **state)
{
	_cleanup_close_ int empty = make_file(), proc = open("/proc/self/maps", O_RDONLY);
	struct fiemap_runs runs = { 0 };

	(void)state;
	read_or_skip(empty, &runs);
	assert_int_equal(runs.n, 0);
	assert_true(fiemap_read(proc, &runs) < 0); /* not every file system can tell */
	assert_int_equal(fiemap_read(-1, &runs), -EBADF);
	assert_null(runs.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_file_with_a_hole),
		cmocka_unit_test(test_many_runs),
		cmocka_unit_test(test_no_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
