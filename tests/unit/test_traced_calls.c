/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The task whose calls are decoded is this one: descriptors and memory are real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounds.h"
#include "macro.h"
#include "traced-calls.h"

#define P PAGE_BYTES

static struct traced_files files;
static struct traced_file *file;
static int fd = -1;

/* Any file of some pages that counts: a program of this system. */
static int open_files(void **state)
{
	static const char *const programs[] = { "/bin/sh", "/usr/bin/env", "/bin/ls" };

	(void)state;
	if (traced_files_init(&files) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(programs) && !file; i++) {
		closep(&fd);
		fd = open(programs[i], O_RDONLY | O_CLOEXEC);
		file = fd < 0 ? NULL : traced_files_by_fd(&files, getpid(), fd);
	}
	return 0;
}

static int close_files(void **state)
{
	(void)state;
	closep(&fd);
	traced_files_done(&files);
	return 0;
}

static void start(void)
{
	if (!file || file->object.n_pages < 8)
		skip(); /* a system in memory */
	assert_int_equal(lseek(fd, 3 * P, SEEK_SET), 3 * P);
}

/* The call is made by nobody: it returns RESULT. Whether its end would be waited for, or it is a read. */
static bool call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
		 int64_t result)
{
	const struct tracee_call call = { .nr = nr, .args = { a, b, c, d, e, 0 } };
	_cleanup_close_ int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct traced_read read;

	if (nr == __NR_read || nr == __NR_pread64) {
		traced_read_asked(&files, getpid(), &call, 0);
		return true;
	}
	if (!traced_read_begin(&files, getpid(), &call, &read))
		return false;
	if (read.off_addr && result > 0) /* as the kernel does it */
		*(uint64_t *)(uintptr_t)read.off_addr += (uint64_t)result;
	traced_read_end(&read, getpid(), pagemap, result, 0);
	return true;
}

/* Pages [FIRST, FIRST + N) and no others; of calls that need none no end is waited for. */
static void check(bool waits, uint32_t first, uint32_t n)
{
	assert_true(waits || n == 0);
	assert_int_equal(file->n_used, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(file->object.when[first + i], 1);
	memset(file->object.when, 0, file->object.n_pages);
	file->n_used = 0;
}

static uint64_t addr(const void *p)
{
	return (uintptr_t)p;
}

static void read_is_where_the_descriptor_stands(void **state)
{
	(void)state;
	start();
	check(call(__NR_read, (unsigned)fd, 0, P, 0, 0, P), 3, 1);
	check(call(__NR_read, (unsigned)fd, 0, P + 1, 0, 0, P + 1), 3, 2);
	check(call(__NR_read, (unsigned)fd, 0, 0, 0, 0, 0), 0, 0);
	/* Beyond the end nothing is there. */
	check(call(__NR_read, (unsigned)fd, 0, UINT64_MAX, 0, 0, 0), 3,
	      file->object.n_pages - 3);
	assert_true(lseek(fd, 0, SEEK_END) > 0);
	check(call(__NR_read, (unsigned)fd, 0, P, 0, 0, 0), 0, 0);
}

static void what_is_read_is_the_result(void **state)
{
	(void)state;
	start();
	check(call(__NR_readv, (unsigned)fd, 8, 1, 0, 0, 1), 3, 1);
	check(call(__NR_readv, (unsigned)fd, 8, 1, 0, 0, -EFAULT), 0, 0);
}

static void known_pages_are_not_waited_for(void **state)
{
	(void)state;
	start();
	assert_true(call(__NR_preadv, (unsigned)fd, 8, 1, 0, 0, P));
	traced_file_mark(file, 1, file->object.n_pages, 0);
	assert_false(call(__NR_preadv, (unsigned)fd, 8, 1, 0, 0, P));
	check(true, 0, file->object.n_pages);
}

static void pread_is_where_it_says(void **state)
{
	(void)state;
	start();
	check(call(__NR_pread64, (unsigned)fd, 0, 2, P - 1, 0, 2), 0, 2);
	check(call(__NR_pread64, (unsigned)fd, 0, 2, UINT64_MAX - 1, 0, -EINVAL), 0, 0);
}

/* Their vectors are nowhere: nobody looks at them. */
static void vectors_are_not_read(void **state)
{
	(void)state;
	start();
	check(call(__NR_readv, (unsigned)fd, 8, 2, 0, 0, P + 1), 3, 2);
	check(call(__NR_preadv, (unsigned)fd, 8, 3, P, 0, P + 1), 1, 2);
	check(call(__NR_preadv2, (unsigned)fd, 8, 1, P, 0, P), 1, 1);
	/* -1 stands for the descriptor's position. */
	check(call(__NR_preadv2, (unsigned)fd, 8, 1, UINT64_MAX, 0, P), 3, 1);
}

static void copies_read_what_they_copy_from(void **state)
{
	uint64_t off = 5 * P;

	(void)state;
	start();
	/* sendfile(out, in, *offset, bytes): the second descriptor is the one that is read. */
	check(call(__NR_sendfile, 1, (unsigned)fd, addr(&off), P, 0, P), 5, 1);
	check(call(__NR_sendfile, 1, (unsigned)fd, 0, 2 * P, 0, 2 * P), 3, 2);
	check(call(__NR_copy_file_range, (unsigned)fd, addr(&off), 1, 0, P, P), 6, 1);
	check(call(__NR_splice, (unsigned)fd, 0, 1, 0, 2 * P, 2 * P), 3, 2);
	assert_int_equal(off, 7 * P);
	check(call(__NR_sendfile, 1, (unsigned)fd, 8, P, 0, -EFAULT), 0, 0);
}

static void others_are_not_reads(void **state)
{
	(void)state;
	start();
	assert_false(call(__NR_write, (unsigned)fd, 0, P, 0, 0, P));
	assert_false(call(__NR_munmap, 0, P, 1, 2, (unsigned)fd, 0));
	call(__NR_read, UINT32_MAX, 0, P, 0, 0, -EBADF);
	check(true, 0, 0);
}

static void descriptors_say_how_they_were_opened(void **state)
{
	uint64_t pos = 0;
	int flags = 0;

	(void)state;
	start();
	assert_int_equal(traced_fd_info(getpid(), fd, &flags, &pos), 0);
	assert_int_equal(pos, 3 * P);
	assert_int_equal(flags & (O_ACCMODE | O_CLOEXEC), O_RDONLY | O_CLOEXEC);
	assert_int_equal(traced_fd_info(getpid(), 9999, &flags, &pos), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_is_where_the_descriptor_stands),
		cmocka_unit_test(what_is_read_is_the_result),
		cmocka_unit_test(known_pages_are_not_waited_for),
		cmocka_unit_test(pread_is_where_it_says),
		cmocka_unit_test(vectors_are_not_read),
		cmocka_unit_test(copies_read_what_they_copy_from),
		cmocka_unit_test(others_are_not_reads),
		cmocka_unit_test(descriptors_say_how_they_were_opened),
	};

	return cmocka_run_group_tests(tests, open_files, close_files);
}
