/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "in-range.h"
#include "macro.h"
#include "opens.h"
#include "residency.h"

/* Of one page each, read in the order of their numbers; two more are not read at all. */
enum { FILES = 1200, OBJECTS = FILES + 2 };
/* Of the first ones one of four is asked about, four in a row that are not in memory end that. */
enum { ASKED = 16 };

static int dir = -1;
static char dir_path[] = "/var/tmp/elfcast-opens-XXXXXX";

static int open_file(unsigned i, int flags)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%u", i);
	fd = openat(dir, name, O_RDWR | O_CLOEXEC | flags, 0600);
	assert_true(fd >= 0);
	return fd;
}

static int make_files(void **state)
{
	(void)state;
	if (!mkdtemp(dir_path))
		return -1;
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < OBJECTS; i++) {
		int fd = open_file(i, O_CREAT);

		assert_int_equal(write(fd, "x", 1), 1);
		close(fd);
	}
	return dir >= 0 && syncfs(dir) == 0 ? 0 : -1;
}

static int remove_files(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i < OBJECTS; i++) {
		snprintf(name, sizeof(name), "%u", i);
		unlinkat(dir, name, 0);
	}
	close(dir);
	return rmdir(dir_path);
}

/* All watched, and none in memory but the first N_THERE. False: here files cannot be thrown out. */
static bool watch(struct opens **ret, unsigned n_there)
{
	static struct shadow_extent extents[2 * FILES];
	const struct shadow s = { .n_objects = OBJECTS,
				  .extents = extents,
				  .n_extents = 2 * FILES };
	struct residency_count c = { 0 };

	for (unsigned i = 0; i < FILES; i++)
		extents[i] = extents[2 * FILES - 1 - i] =
			(struct shadow_extent){ .object = le32_make(i),
						.n_pages = le32_make(1) };
	assert_int_equal(opens_new(&s, ret), 0);
	for (unsigned i = 0; i < OBJECTS; i++) {
		int fd = open_file(i, 0);
		char byte;

		if (i < n_there)
			assert_int_equal(pread(fd, &byte, 1, 0), 1);
		else
			residency_evict(fd);
		residency_count(fd, 0, 1, &c);
		opens_watch(*ret, i, fd);
		close(fd);
	}
	return c.n_resident == 0;
}

static void touch(unsigned from, unsigned end, unsigned step)
{
	for (unsigned i = from; i < end; i += step)
		close(open_file(i, 0));
}

#define WATCH(o, n_there)                                                                  \
	do {                                                                               \
		if (!watch(&(o), (n_there)))                                               \
			skip(); /* a file system of memory */                              \
	} while (0)

static bool are_few(struct opens *o)
{
	const struct opens_count c = opens_look(o);

	assert_true(c.n_used <= c.n_passed);
	return opens_are_few(&c);
}

/* In the pack they are in another order than that of use: 200 in any. */
static void test_what_is_used(void **state)
{
	struct opens_count c;
	struct opens *o;

	(void)state;
	WATCH(o, 0);
	for (unsigned i = 0; i < FILES; i++) {
		unsigned file = i - i % 200 + (i % 200 * 77 + 13) % 200;

		if (file < FILES)
			touch(file, file + 1, 1);
		assert_false(are_few(o));
	}
	touch(0, OBJECTS, 1); /* again, and those that count for nothing */
	c = opens_look(o);
	/* The last ones are too near. */
	assert_uint_in_range(c.n_passed, FILES - FILES / 10 - 256 - ASKED, FILES - 256);
	assert_int_equal(c.n_used, c.n_passed);
	opens_free(o);
}

static void test_what_is_not_used(void **state)
{
	unsigned at = 0;
	struct opens *o;

	(void)state;
	WATCH(o, 0);
	while (at < FILES && !are_few(o)) {
		touch(at, at + 1, 1);
		at += 5;
	}
	/* As soon as that can be told, and no sooner. */
	assert_uint_in_range(at, 256 + 64, 256 + 64 + ASKED + 120);
	/* Who is late is believed. */
	touch(0, FILES, 1);
	assert_false(are_few(o));
	opens_free(o);
}

/* A service that starts early is not where the boot is. */
static void test_who_runs_ahead(void **state)
{
	struct opens *o;

	(void)state;
	WATCH(o, 0);
	touch(0, ASKED + 110, 1);
	touch(1150, 1160, 1);
	assert_false(are_few(o));
	touch(1050, 1150, 1);
	assert_true(are_few(o));
	opens_free(o);
}

/* What ran before anybody looked has opened what is in memory, and does not open it again. */
static void test_what_was_there(void **state)
{
	struct opens_count c;
	struct opens *o;

	(void)state;
	WATCH(o, 300);
	touch(3, 300, 50); /* libraries are opened by everybody */
	touch(340, FILES, 1);
	c = opens_look(o);
	assert_false(opens_are_few(&c));
	assert_uint_in_range(c.n_passed, 30, FILES - 256 - 300);
	assert_true(c.n_used + 30 >= c.n_passed);
	opens_free(o);
}

/* Too little to tell, whatever becomes of it. */
static void test_a_small_pack(void **state)
{
	struct opens *o;

	(void)state;
	WATCH(o, 0);
	assert_false(are_few(o));
	touch(256 + 63, 256 + 64, 1);
	assert_false(are_few(o));
	opens_free(o);
}

static void test_verdict(void **state)
{
	(void)state;
	assert_false(opens_are_few(&(struct opens_count){ 63, 0 }));
	assert_true(opens_are_few(&(struct opens_count){ 64, 0 }));
	assert_true(opens_are_few(&(struct opens_count){ 64, 31 }));
	assert_false(opens_are_few(&(struct opens_count){ 64, 32 }));
	assert_true(opens_are_few(&(struct opens_count){ UINT32_MAX, UINT32_MAX / 2 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_used),
		cmocka_unit_test(test_what_is_not_used),
		cmocka_unit_test(test_who_runs_ahead),
		cmocka_unit_test(test_what_was_there),
		cmocka_unit_test(test_a_small_pack),
		cmocka_unit_test(test_verdict),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
