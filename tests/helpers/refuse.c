/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * refuse NAME COMMAND…: COMMAND under a filter that refuses one system call with EPERM, as those of
 * containers do: pidfd_getfd, userfaultfd, ptrace.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "macro.h"

static const struct {
	const char *name;
	unsigned nr;
} calls[] = {
	{ "pidfd_getfd", SYS_pidfd_getfd },
	{ "userfaultfd", SYS_userfaultfd },
	{ "ptrace", SYS_ptrace },
};

static int refuse(unsigned nr)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < ARRAY_SIZE(calls); i++)
		if (strcmp(argv[1], calls[i].name) == 0 && refuse(calls[i].nr) == 0)
			execvp(argv[2], argv + 2);
	fprintf(stderr, "usage: refuse pidfd_getfd|userfaultfd|ptrace COMMAND...\n");
	return 2;
}
