/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "in-range.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "macro.h"
#include "proc-maps.h"

static struct proc_maps maps;
static char *text;

static void show(const char *lines)
{
	text = strdup(lines);
	assert_non_null(text);
	proc_maps_init(&maps, fmemopen(text, strlen(text), "r"));
	assert_non_null(maps.file);
}

static int end(void **state)
{
	(void)state;
	proc_maps_done(&maps);
	free(TAKE_PTR(text));
	return 0;
}

static void test_reads_what_the_kernel_writes(void **state)
{
	(void)state;
	struct proc_mapping m;

	show("55d0a0000000-55d0a0002000 r-xp 00003000 fe:1f 4294967297      /usr/bin/a b\n"
	     "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
	     "7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                  [vdso]\n"
	     "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          "
	     "[vsyscall]\n");
	assert_true(proc_maps_next(&maps, &m));
	assert_int_equal(m.start, 0x55d0a0000000);
	assert_int_equal(m.end, 0x55d0a0002000);
	assert_int_equal(m.off, 0x3000);
	assert_true(m.is_code);
	assert_int_equal(m.dev, makedev(0xfe, 0x1f));
	assert_int_equal(m.ino, 4294967297);
	assert_string_equal(m.name, "/usr/bin/a b");
	assert_true(proc_maps_next(&maps, &m));
	assert_int_equal(m.ino, 0);
	assert_false(m.is_code);
	assert_string_equal(m.name, "");
	assert_true(proc_maps_next(&maps, &m));
	assert_string_equal(m.name, "[vdso]");
	assert_true(proc_maps_next(&maps, &m));
	assert_true(m.end == 0xffffffffff601000);
	assert_false(proc_maps_next(&maps, &m));
}

/* A path may look like numbers, like the next line, and have no end. */
static void test_names_are_only_names(void **state)
{
	(void)state;
	struct proc_mapping m;

	show("1000-2000 r--p 00000000 00:10 7    /1\\0122000-3000 r--p 0 0:0 0 "
	     "/etc/shadow\n"
	     "2000-3000 r--p 00000000 00:10 8    /tab\there (deleted)");
	assert_true(proc_maps_next(&maps, &m));
	assert_string_equal(m.name, "/1\\0122000-3000 r--p 0 0:0 0 /etc/shadow");
	assert_true(proc_maps_next(&maps, &m));
	assert_int_equal(m.ino, 8);
	assert_string_equal(m.name, "/tab\there (deleted)");
	assert_false(proc_maps_next(&maps, &m));
}

/* The end of a name, to be read as a line of its own where reading begins anew before it. */
#define FORGED "3000-4000 r--p 00000000 00:10 9 /forged"

/* BYTES of name before its end; and behind it a line that must be found again. */
static void check_long(size_t bytes)
{
	_cleanup_free_ char *name = malloc(bytes + 1), *lines = NULL;
	struct proc_mapping m;

	assert_non_null(name);
	memset(name, 'a', bytes);
	name[0] = '/';
	name[bytes] = 0;
	assert_true(asprintf(&lines,
			     "1000-2000 r--p 00000000 00:10 7 %s%s\n"
			     "2000-3000 r--p 00000000 00:10 8 /next\n",
			     name, bytes > LIMIT_PATH_BYTES ? FORGED : "") > 0);
	show(lines);
	assert_true(proc_maps_next(&maps, &m));
	if (bytes <= LIMIT_PATH_BYTES)
		assert_string_equal(m.name, name);
	else
		assert_uint_in_range(strlen(m.name), LIMIT_PATH_BYTES + 1,
				     bytes + strlen(FORGED));
	assert_true(proc_maps_next(&maps, &m));
	assert_string_equal(m.name, "/next");
	assert_false(proc_maps_next(&maps, &m));
	end(NULL);
}

static void test_long_names_are_nobodys(void **state)
{
	(void)state;

	check_long(LIMIT_PATH_BYTES);
	/* Past the reader's room too, which is a little more. */
	for (size_t over = 1; over < 200; over++)
		check_long(LIMIT_PATH_BYTES + over);
	check_long(1 << 20);
}

static void test_passes_over_other_lines(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"-2000 r--p 00000000 00:10 7 /x",
		"1000 r--p 00000000 00:10 7 /x",
		"1000-2000",
		"2000-1000 r--p 00000000 00:10 7 /x",
		"1000-1000 r--p 00000000 00:10 7 /x",
		"1000-2000 r--  00000000 00:10 7 /x",
		"1000-2000 r--pp 00000000 00:10 7 /x",
		"1000-2000 r--p",
		"1000-2000 r--p 00000000 0010 7 /x",
		"1000-2000 r--p 00000000 00:10 7a /x",
		"1000-2000 r--p 00000000 00:10 a /x",
		"1000-2000 r--p 00000000 00:10 -7 /x",
		"1000-2000 r--p 00000000 00:10 7",
		"1000-10000000000000000 r--p 00000000 00:10 7 /x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *lines = NULL;
		struct proc_mapping m;

		assert_true(asprintf(&lines, "%s\n1000-2000 r--p 0 0:1 7 /good\n", bad[i]) >
			    0);
		show(lines);
		assert_true(proc_maps_next(&maps, &m));
		assert_string_equal(m.name, "/good");
		end(NULL);
	}
}

static void test_finds_its_own(void **state)
{
	(void)state;
	_cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	struct proc_mapping m = { 0 };
	uint64_t before = 0;
	struct stat st;

	assert_ptr_not_equal(at, MAP_FAILED);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(proc_maps_open(0, &maps), 0);
	while (proc_maps_next(&maps, &m) && m.start != (uintptr_t)at) {
		assert_true(m.start >= before);
		before = m.end;
	}
	assert_true(m.start == (uintptr_t)at);
	assert_true(m.ino == st.st_ino);
	assert_non_null(strstr(m.name, "test_proc_maps"));
	munmap(at, 1);
}

static void test_nobody_has_none(void **state)
{
	(void)state;
	struct proc_maps none;

	assert_int_equal(proc_maps_open(INT32_MAX, &none), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_reads_what_the_kernel_writes, end),
		cmocka_unit_test_teardown(test_names_are_only_names, end),
		cmocka_unit_test(test_long_names_are_nobodys),
		cmocka_unit_test(test_passes_over_other_lines),
		cmocka_unit_test_teardown(test_finds_its_own, end),
		cmocka_unit_test(test_nobody_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
