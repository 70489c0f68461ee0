/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fstypes.h"

static void unknown_types_are_nothing(void **state)
{
	static const char *const names[] = { "",       "fuse.sshfs", "9p",
					     "autofs", "ext",	     "ext44" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct fstype *t = fstype_find(names[i]);

		assert_string_equal(t->name, "");
		assert_false(t->local || t->on_disk || t->image || t->ext4_metadata ||
			     t->layered);
	}
	/* Types without a number are not found by none. */
	assert_string_equal(fstype_from_magic(0)->name, "");
	assert_string_equal(fstype_from_magic(0x6969)->name, "");
}

static void memory_is_local_but_no_disk(void **state)
{
	(void)state;
	assert_true(fstype_find("tmpfs")->local && !fstype_find("tmpfs")->on_disk);
	assert_true(fstype_find("rootfs")->local && !fstype_find("rootfs")->on_disk);
	assert_true(!fstype_find("nfs4")->local && fstype_find("nfs4")->on_disk);
}

static void kinds_that_matter(void **state)
{
	static const char *const names[] = { "ext2",	 "ext3",    "ext4",    "erofs",
					     "squashfs", "iso9660", "overlay", "xfs" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct fstype *t = fstype_find(names[i]);

		assert_string_equal(t->name, names[i]);
		assert_true(t->local && t->on_disk);
		assert_int_equal(t->ext4_metadata, i < 3);
		assert_int_equal(t->image, i >= 3 && i < 6);
		assert_int_equal(t->layered, i == 6);
	}
}

static void numbers_name_types(void **state)
{
	(void)state;
	assert_string_equal(fstype_from_magic(0xef53)->name, "ext4");
	assert_string_equal(fstype_from_magic(0x9123683e)->name, "btrfs");
	assert_string_equal(fstype_from_magic(0x794c7630)->name, "overlay");
	assert_string_equal(fstype_from_magic(0xe0f5e1e2)->name, "erofs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_types_are_nothing),
		cmocka_unit_test(memory_is_local_but_no_disk),
		cmocka_unit_test(kinds_that_matter),
		cmocka_unit_test(numbers_name_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
