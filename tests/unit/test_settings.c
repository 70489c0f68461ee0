/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files are real; writing, which the kernel would answer, is replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "macro.h"
#include "settings.h"

static ino_t refused; /* of a file, with ERROR */
static int error;
static char written[256];

ssize_t write(int fd, const void *data, size_t bytes)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_ino == refused) {
		errno = error;
		return -1;
	}
	strncat(written, data, bytes);
	strcat(written, " ");
	return (ssize_t)bytes;
}

static struct settings three_disks(int error_of_second)
{
	static const char *const names[] = { "first", "second", "third" };
	struct settings s = SETTINGS_NONE;
	char dir[] = "/tmp/elfcast-test-settings-XXXXXX";
	_cleanup_close_ int dirfd = -1;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dirfd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_close_ int fd =
			openat(dirfd, names[i], O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		assert_int_equal(pwrite(fd, names[i], strlen(names[i]), 0),
				 strlen(names[i]));
		assert_int_equal(settings_add(&s, dirfd, names[i], "0"), 0);
		if (i == 1 && fstat(fd, &st) == 0)
			refused = st.st_ino;
		unlinkat(dirfd, names[i], 0);
	}
	rmdir(dir);
	error = error_of_second;
	written[0] = 0;
	return s;
}

static void test_a_disk_that_went_needs_none(void **state)
{
	struct settings s = three_disks(ENODEV);

	(void)state;
	assert_int_equal(settings_change(&s), 0);
	assert_string_equal(written, "0 0 ");
	settings_done(&s);
	assert_string_equal(written, "0 0 third first ");
}

static void test_one_that_cannot_be_changed(void **state)
{
	struct settings s = three_disks(EPERM);

	(void)state;
	assert_int_equal(settings_change(&s), -EPERM);
	settings_done(&s);
	assert_string_equal(written, "0 third first ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_disk_that_went_needs_none),
		cmocka_unit_test(test_one_that_cannot_be_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
