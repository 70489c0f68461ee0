/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

static char file[] = "/tmp/elfcast-test-sandbox-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkstemp(file) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(file);
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* The exit status of TRY in a sandboxed child; the errno of what it tried, or 0. */
static int in_sandbox(int (*try)(void), size_t memory_bytes)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		sandbox_enter(memory_bytes);
		_exit(try());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int try_read(void)
{
	char byte;
	int fd = open("/etc/passwd", O_RDONLY);

	return fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : errno;
}

static int try_create(void)
{
	return open("/tmp/elfcast-test-sandbox-new", O_WRONLY | O_CREAT, 0600) < 0 ? errno
										   : 0;
}

static int try_write(void)
{
	return open(file, O_WRONLY) < 0 ? errno : 0;
}

static int try_remove(void)
{
	return unlink(file) < 0 ? errno : 0;
}

static int try_exec(void)
{
	execl("/bin/true", "true", NULL);
	return errno;
}

static int try_chown(void)
{
	return chown(file, 12345, 12345) < 0 ? errno : 0;
}

static int try_memory(void)
{
	return malloc(64u << 20) ? 0 : errno;
}

static void test_reading_stays(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(try_read, 0), 0);
}

static void test_nothing_is_written_or_executed(void **state)
{
	(void)state;
	if (!has_landlock())
		skip();
	assert_int_equal(in_sandbox(try_create, 0), EACCES);
	assert_int_equal(in_sandbox(try_write, 0), EACCES);
	assert_int_equal(in_sandbox(try_remove, 0), EACCES);
	assert_int_equal(in_sandbox(try_exec, 0), EACCES);
}

static void test_no_capabilities(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(try_chown, 0), EPERM);
}

static void test_memory_is_limited(void **state)
{
	(void)state;
	if (getenv("ELFCAST_SANITIZED"))
		skip(); /* terabytes of shadow memory */
	assert_int_equal(in_sandbox(try_memory, 32u << 20), ENOMEM);
	assert_int_equal(in_sandbox(try_memory, 256u << 20), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading_stays),
		cmocka_unit_test(test_nothing_is_written_or_executed),
		cmocka_unit_test(test_no_capabilities),
		cmocka_unit_test(test_memory_is_limited),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
