/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LD_PRELOAD object in which reading ahead never returns, as on a disk that died: stands in
 * for a sleep that nothing can end. HANGREAD_LOG=FILE gets a line with the process's id.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void write_log(void)
{
	const char *path = getenv("HANGREAD_LOG");
	char line[32];
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
	int n = snprintf(line, sizeof(line), "%d\n", (int)getpid());

	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

/* 32-bit processors differ in how they pass 64-bit numbers; the C library knows. */
static int real_advise(int fd, off64_t off, off64_t bytes, int advice)
{
	int (*real)(int, off64_t, off64_t, int) = dlsym(RTLD_NEXT, "posix_fadvise64");

	return real(fd, off, bytes, advice);
}

static int advise(int fd, off_t off, off_t bytes, int advice)
{
	if (advice != POSIX_FADV_WILLNEED)
		return real_advise(fd, off, bytes, advice);
	write_log();
	for (;;)
		pause();
}

int madvise(void *at, size_t bytes, int advice)
{
	if (advice != MADV_WILLNEED)
		return (int)syscall(SYS_madvise, at, bytes, advice);
	write_log();
	for (;;)
		pause();
}

int posix_fadvise(int fd, off_t off, off_t bytes, int advice)
{
	return advise(fd, off, bytes, advice);
}

int posix_fadvise64(int fd, off64_t off, off64_t bytes, int advice)
{
	return advise(fd, off, bytes, advice);
}
