/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LD_PRELOAD object that lets the n-th allocation of a process fail with ENOMEM:
 *
 *   FAILMALLOC_N=n        which one, from 1; counted anew in every process
 *   FAILMALLOC_MODE=once  or "on": that one and all after it
 *   FAILMALLOC_WHO=all    or "parent" (the process that was started), "child" (all others:
 *                         forked without an exec)
 *   FAILMALLOC_LOG=FILE   holds an F once an allocation was made to fail in any process, so
 *                         that a test knows when n is past the end
 *
 * Counted are malloc, calloc, realloc, aligned_alloc, posix_memalign and memalign, from this
 * object's constructor on: what the loader allocates before is not ours. free() and all else
 * stay the C library's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned long fail_at;
static bool from_then_on, in_parent = true, in_child = true;
static volatile char *failed; /* the log: 'F' once an allocation was made to fail */
static bool started;
static pid_t first_pid;
static _Atomic(pid_t) counted_pid;
static _Atomic(unsigned long) n_calls;
static __thread bool inside; /* dlsym() and our own log may allocate */

/* glibc's own names: no dlsym() that could call back into us before it is ready. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

/* A mapping, because sandboxed children may neither open nor write files. */
static void open_log(const char *path)
{
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (!path)
		return;
	if (fd < 0 || ftruncate(fd, 1) < 0)
		abort(); /* a test that cannot see failures would loop or lie */
	failed = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (failed == MAP_FAILED)
		abort();
	close(fd);
}

static bool must_fail(void)
{
	unsigned long n;
	pid_t pid;
	bool fail;

	if (!started || inside || fail_at == 0)
		return false;
	inside = true;
	pid = getpid();
	if (atomic_exchange(&counted_pid, pid) != pid)
		n_calls = 0; /* a fork: only one thread is left in it */
	n = ++n_calls;
	fail = (pid == first_pid ? in_parent : in_child) &&
	       (from_then_on ? n >= fail_at : n == fail_at);
	if (fail && failed)
		*failed = 'F';
	inside = false;
	if (fail)
		errno = ENOMEM;
	return fail;
}

void *malloc(size_t bytes)
{
	return must_fail() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
	return must_fail() ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *p, size_t bytes)
{
	return must_fail() ? NULL : __libc_realloc(p, bytes);
}

void *memalign(size_t alignment, size_t bytes);
void *memalign(size_t alignment, size_t bytes)
{
	return must_fail() ? NULL : __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	return must_fail() ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **ret, size_t alignment, size_t bytes)
{
	void *p = must_fail() ? NULL : __libc_memalign(alignment, bytes);

	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

__attribute__((constructor)) static void read_settings(void)
{
	const char *n = getenv("FAILMALLOC_N"), *mode = getenv("FAILMALLOC_MODE");
	const char *who = getenv("FAILMALLOC_WHO");

	fail_at = n ? strtoul(n, NULL, 10) : 0;
	from_then_on = mode && strcmp(mode, "on") == 0;
	in_parent = !who || strcmp(who, "child") != 0;
	in_child = !who || strcmp(who, "parent") != 0;
	open_log(getenv("FAILMALLOC_LOG"));
	counted_pid = first_pid = getpid();
	started = true;
}
