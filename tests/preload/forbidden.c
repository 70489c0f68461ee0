/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LD_PRELOAD object that stands in for what hostile input could make of a parser: where it
 * gives keys of a profile to json-c or a file to libelf, it tries what a parser must not do. What it got is
 * a line in the file FORBIDDEN_LOG, by way of memory mapped at the start.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOG_BYTES 4096

static char *text;

__attribute__((constructor)) static void map(void)
{
	const char *path = getenv("FORBIDDEN_LOG");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p = MAP_FAILED;

	if (fd >= 0)
		p = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	text = p == MAP_FAILED ? NULL : p;
	if (fd >= 0)
		close(fd);
	unsetenv("LD_PRELOAD");
}

static void result(const char *what, long r)
{
	size_t used = strlen(text);

	snprintf(text + used, LOG_BYTES - used, "%s %s\n", what,
		 r >= 0 ? "done" : strerrorname_np(errno));
}

static void try_all(void)
{
	pid_t parent = getppid();

	snprintf(text, LOG_BYTES, "user %s\n", getuid() ? "other" : "root");
	result("kill", kill(parent, 0));
	result("ptrace", ptrace(PTRACE_SEIZE, parent, 0, 0));
	result("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	result("execve", execl("/hook/elfcast-hook", "x", NULL));
	result("fork", fork());
	result("create", open("/tmp/elfcast-forbidden", O_WRONLY | O_CREAT, 0600));
	result("unlink", unlink("/secret"));
	result("secret", open("/secret", O_RDONLY));
	result("io_uring", syscall(SYS_io_uring_setup, 1, NULL));
	/* As inherited: a lock of the package manager's would be there. */
	result("inherited", fcntl(77, F_GETFD));
}

/* The libraries' own; each is passed on to. */
void *json_tokener_new_ex(int depth);
void *elf_begin(int fd, int command, void *archive);

void *json_tokener_new_ex(int depth)
{
	void *(*next)(int) = (void *(*)(int))dlsym(RTLD_NEXT, "json_tokener_new_ex");

	if (text)
		try_all();
	return next(depth);
}

void *elf_begin(int fd, int command, void *archive)
{
	void *(*next)(int, int, void *) =
		(void *(*)(int, int, void *))dlsym(RTLD_NEXT, "elf_begin");

	if (text)
		try_all();
	return next(fd, command, archive);
}
