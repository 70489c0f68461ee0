/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exec-many PROGRAM COUNT [AT-ONCE]: execute PROGRAM COUNT times, from AT-ONCE processes,
 * each waiting for one to end before it starts the next. Prints the microseconds that it took,
 * and those of processor time.
 * exec-many --nothing: end at once, without a C library's start-up where it is linked
 * statically; to be executed.
 */
#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * (int64_t)1000000 +
	       u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

/* vfork: no page tables to copy, so that what is measured is the exec. */
static int exec_once(const char *program)
{
	char *const argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t) "--nothing",
			       NULL };
	char *const environment[] = { NULL };
	int status;
	pid_t pid;

	if (posix_spawn(&pid, program, NULL, NULL, argv, environment) != 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status == 0 ? 0 : -1;
}

static int exec_share(const char *program, long count)
{
	for (long i = 0; i < count; i++)
		if (exec_once(program) < 0)
			return 1;
	return 0;
}

int main(int argc, char *argv[])
{
	long count, at_once;
	int status, bad = 0;
	int64_t start;

	if (argc == 2 && strcmp(argv[1], "--nothing") == 0)
		_exit(0);
	if (argc < 3)
		return 2;
	count = atol(argv[2]);
	at_once = argc > 3 ? atol(argv[3]) : 1;
	start = now_us();
	for (long i = 0; i < at_once; i++)
		if (fork() == 0)
			_exit(exec_share(argv[1], count / at_once + (i < count % at_once)));
	while (wait(&status) > 0)
		bad |= status;
	printf("%lld %lld\n", (long long)(now_us() - start), (long long)cpu_us());
	return bad ? 1 : 0;
}
