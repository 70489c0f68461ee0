/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of this machine's own: merged, written, read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "in-range.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounds.h"
#include "object-open.h"
#include "own-files.h"
#include "shadow-read.h"

static char dir[] = "/var/tmp/elfcast-test-own-XXXXXX";
static struct store store;

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) && store_open(dir, false, &store) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	store_done(&store);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void add(struct own_files *l, const char *path, uint64_t ino, const char *when)
{
	uint8_t buckets[64];
	size_t n = strlen(when);
	struct own_file f = { .path = (char *)(uintptr_t)path,
			      .ino = ino,
			      .size_bytes = n * PAGE_BYTES,
			      .storage = STORAGE_NETWORK,
			      .n_pages = (uint32_t)n,
			      .when = buckets };

	for (size_t i = 0; i < n; i++)
		buckets[i] = when[i] == '.' ? 0 : (uint8_t)(when[i] - '0' + 1);
	assert_int_equal(own_files_add(l, &f), 0);
}

/* "PATH FIRST+N WHEN; …" in reading order. */
static void expect(const char *want)
{
	struct shadow_buffer b;
	char text[1000] = "";

	assert_int_equal(store_load(&store, STORE_OWN, NULL, &b), 0);
	assert_int_equal(b.shadow.n_eager, b.shadow.n_extents);
	for (uint32_t i = 0; i < b.shadow.n_extents; i++) {
		const struct shadow_extent *e = &b.shadow.extents[i];

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %u+%u %u; ",
			 shadow_string(&b.shadow,
				       b.shadow.objects[le32_get(e->object)].path),
			 le32_get(e->first_pgno), le32_get(e->n_pages), le32_get(e->when));
	}
	assert_string_equal(text, want);
	shadow_buffer_done(&b);
}

static void test_order_and_gaps(void **state)
{
	struct own_files l = { 0 };

	(void)state;
	add(&l, "/var/b", 7, "5.....13");
	add(&l, "/var/a", 8, "..4....2......9");
	assert_int_equal(own_files_put(&store, &l), 0);
	/* Four pages that nobody touched are read along, five are not. */
	expect("/var/b 6+2 1; /var/a 2+6 2; /var/b 0+1 5; /var/a 14+1 9; ");
	own_files_done(&l);
}

static void test_kept_and_replaced(void **state)
{
	struct own_files l = { 0 };

	(void)state;
	add(&l, "/var/same", 1, "9.........9");
	add(&l, "/var/other", 2, "3");
	add(&l, "/var/gone", 3, "4");
	assert_int_equal(own_files_put(&store, &l), 0);
	own_files_done(&l);
	assert_int_equal(own_files_load(&store, &l), 0);
	assert_int_equal(l.n, 3);
	add(&l, "/var/same", 1, "1.............7"); /* it has grown */
	add(&l, "/var/other", 5, ".6");
	assert_int_equal(own_files_put(&store, &l), 0);
	expect("/var/same 0+1 1; /var/gone 0+1 4; /var/other 1+1 6; /var/same 10+5 7; ");
	own_files_done(&l);
}

static void test_nothing_untouched(void **state)
{
	struct own_files l = { 0 };

	(void)state;
	add(&l, "/var/a", 1, "....");
	assert_int_equal(l.n, 0);
	/* None: what was noted goes. */
	assert_int_equal(own_files_put(&store, &l), 0);
	assert_int_equal(own_files_put(&store, &l), 0);
	assert_int_equal(own_files_load(&store, &l), 0);
	assert_int_equal(l.n, 0);
}

static void test_limits(void **state)
{
	struct own_files l = { 0 };
	struct shadow_buffer b;
	char path[64];

	(void)state;
	for (unsigned i = 0; i < OWN_FILES + 3; i++) {
		snprintf(path, sizeof(path), "/var/%u", i);
		add(&l, path, i, "1111111111");
	}
	assert_int_equal(l.n, OWN_FILES);
	assert_int_equal(own_files_put(&store, &l), 0);
	assert_int_equal(store_load(&store, STORE_OWN, NULL, &b), 0);
	assert_uint_in_range(shadow_count_pages(&b.shadow), OWN_PAGES - 10, OWN_PAGES + 10);
	shadow_buffer_done(&b);
	own_files_done(&l);
}

static void test_only_root_knows(void **state)
{
	struct own_files l = { 0 };
	struct stat st;
	char path[200];

	(void)state;
	add(&l, "/var/a", 1, "1");
	assert_int_equal(own_files_put(&store, &l), 0);
	own_files_done(&l);
	snprintf(path, sizeof(path), "%s/var/lib/elfcast/boot.own", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_inode_alone(void **state)
{
	struct shadow_object o = { .ino = le64_make(77), .size_bytes = le64_make(4096) };
	const struct stat same = { .st_ino = 77, .st_size = 1 }, other = { .st_ino = 78 };

	(void)state;
	assert_int_equal(object_check_own(&o, &same), OBJECT_USED);
	assert_int_equal(object_check_own(&o, &other), OBJECT_CHANGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_gaps),
		cmocka_unit_test(test_kept_and_replaced),
		cmocka_unit_test(test_nothing_untouched),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_only_root_knows),
		cmocka_unit_test(test_inode_alone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
