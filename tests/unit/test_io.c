/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "le.h"
#include "macro.h"

static char dir[] = "/tmp/elfcast-test-io-XXXXXX";
static int dirfd_;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = io_open_root(dir);
	return dirfd_ < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "file", "link", "fifo", "dirlink" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(dirfd_, names[i], 0);
	close(dirfd_);
	return rmdir(dir);
}

static void test_le(void **state)
{
	(void)state;
	le64 v = le64_make(0x0123456789abcdefu);

	assert_int_equal(v.b[0], 0xef);
	assert_true(le64_get(v) == 0x0123456789abcdefu);
	assert_true(le32_get(le32_make(0x89abcdefu)) == 0x89abcdefu);
	assert_int_equal(le16_get(le16_make(0xfedc)), 0xfedc);
}

static void test_read_limits(void **state)
{
	(void)state;
	_cleanup_close_ int fd = openat(dirfd_, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_free_ char *text = NULL;
	size_t n;

	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, "hello", 5), 0);
	assert_int_equal(io_read_file(fd, 4, &text, &n), -E2BIG);
	assert_int_equal(io_read_file(fd, 5, &text, &n), 0);
	assert_int_equal(n, 5);
	assert_string_equal(text, "hello");
	assert_int_equal(io_read_file(dirfd_, 5, &text, &n), -EINVAL);
}

static void test_open_follows_no_link(void **state)
{
	(void)state;
	struct stat st;
	int fd;

	assert_int_equal(symlinkat("file", dirfd_, "link"), 0);
	assert_int_equal(symlinkat(".", dirfd_, "dirlink"), 0);
	assert_int_equal(io_open_path(dirfd_, "/dirlink/file", &st), -ELOOP);
	/* A final link is found as what it is, and cannot be read. */
	fd = io_open_path(dirfd_, "/link", &st);
	assert_true(fd >= 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(io_reopen_read(fd), -EINVAL);
	close(fd);
	assert_int_equal(io_open_path(dirfd_, "/none", &st), -ENOENT);
	assert_int_equal(io_open_path(dirfd_, "file", &st), -EINVAL);
	fd = io_open_path(dirfd_, "/../file", &st);
	assert_true(fd >= 0); /* ".." stops at the root */
	close(fd);
}

static void test_fifo_does_not_hang(void **state)
{
	(void)state;
	struct stat st;
	int fd;

	assert_int_equal(mkfifoat(dirfd_, "fifo", 0600), 0);
	fd = io_open_path(dirfd_, "/fifo", &st);
	assert_true(fd >= 0);
	assert_int_equal(io_reopen_read(fd), -EINVAL);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_le),
		cmocka_unit_test(test_read_limits),
		cmocka_unit_test(test_open_follows_no_link),
		cmocka_unit_test(test_fifo_does_not_hang),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
