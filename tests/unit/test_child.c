/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"

/* A child of a test that went wrong does not stay for ever. */
#define CHILD_LIFE_S 60

static bool is_null(int fd)
{
	struct stat st, null;

	return stat("/dev/null", &null) == 0 && fstat(fd, &st) == 0 &&
	       S_ISCHR(st.st_mode) && st.st_rdev == null.st_rdev;
}

static bool is_same(int fd, const struct stat *want)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == want->st_ino &&
	       st.st_dev == want->st_dev;
}

/* How many descriptors are open, but for the one that looks. */
static int count_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d);
	if (d)
		closedir(d);
	return n;
}

/* What is wrong after letting go of all but two, in child's exit status. */
static int try_to_let_go(int tell, bool crowded)
{
	int first = fcntl(open("/proc/self/stat", O_RDONLY), F_DUPFD, 20), none = -1,
	    last = tell;
	int *const kept[] = { &first, &none, &last };
	struct stat first_st, last_st;

	/* The places of what is kept are others', or free. */
	for (int i = 0; i < 40; i++)
		if (open("/", O_PATH) < 0)
			return 1;
	for (int fd = 3; fd < 5; fd++)
		if (fd != first && fd != tell && (crowded ? dup2(0, fd) : close(fd)) < 0)
			return 2;
	if (dup2(2, 900) < 0 || fstat(first, &first_st) < 0 || fstat(tell, &last_st) < 0)
		return 3;
	child_let_go(kept, 3);
	if (first != 3 || none != -1 || last != 4)
		return 4;
	if (!is_same(3, &first_st) || !is_same(4, &last_st))
		return 5;
	if (!is_null(0) || !is_null(1) || !is_null(2))
		return 6;
	if (!(fcntl(3, F_GETFD) & FD_CLOEXEC) || !(fcntl(4, F_GETFD) & FD_CLOEXEC))
		return 7;
	return count_open() == 5 ? 0 : 8;
}

static void lets_go_of_all_but_what_is_kept(void **state)
{
	(void)state;
	for (int crowded = 0; crowded <= 1; crowded++) {
		struct child c = CHILD_NONE;
		int tell = -1, status;
		pid_t pid = child_fork(&c, &tell);

		if (pid == 0)
			_exit(try_to_let_go(tell, crowded));
		assert_true(pid > 0);
		assert_true(child_wait(&c, CLOCK_NEVER));
		status = child_reap(&c);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void hears_what_it_tells_and_that_it_ends(void **state)
{
	struct child c = CHILD_NONE;
	int tell = -1, status;
	char text[8] = "";

	(void)state;
	if (child_fork(&c, &tell) == 0)
		_exit(write(tell, "told", 4) == 4 ? 7 : 1);
	assert_true(child_wait(&c, CLOCK_NEVER));
	assert_int_equal(read(c.fd, text, sizeof(text)), 4);
	assert_string_equal(text, "told");
	/* And then its end: nothing of the parent's holds the pipe open. */
	assert_int_equal(read(c.fd, text, sizeof(text)), 0);
	status = child_reap(&c);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(c.pid, 0);
	assert_int_equal(c.fd, -1);
	assert_int_equal(child_reap(&c), 0);
}

static void leaves_one_that_hangs(void **state)
{
	struct child c = CHILD_NONE;
	int tell = -1, status = 0, fd;
	pid_t pid;

	(void)state;
	pid = child_fork(&c, &tell);
	if (pid == 0) {
		alarm(CHILD_LIFE_S);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	assert_false(child_wait(&c, clock_in_ms(1)));
	fd = c.fd;
	child_leave(&c);
	assert_int_equal(c.pid, 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	/* Nobody waited for it, unless it died in that moment; it was told to die. */
	if (waitpid(pid, &status, 0) == pid) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
	} else {
		assert_int_equal(errno, ECHILD);
	}
	child_leave(&c); /* of nobody */
}

static void says_why_there_is_none(void **state)
{
	struct child c = CHILD_NONE;
	struct rlimit before;
	int tell = -1;
	pid_t pid;

	(void)state;
	assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
	assert_return_code(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, before.rlim_max }),
			   errno);
	pid = child_fork(&c, &tell);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(pid, -EMFILE);
	assert_int_equal(c.pid, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lets_go_of_all_but_what_is_kept),
		cmocka_unit_test(hears_what_it_tells_and_that_it_ends),
		cmocka_unit_test(leaves_one_that_hangs),
		cmocka_unit_test(says_why_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
