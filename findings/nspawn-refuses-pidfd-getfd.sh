#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In a container of systemd-nspawn root may read and write the memory of its processes, compare their kernel
# objects and trace them, all of which its filter of system calls lets pass with CAP_SYS_PTRACE; but not copy a descriptor of
# its own, pidfd_getfd(2), with EPERM as if it lacked a right. So a debugger works there that reads memory, and one does not that
# takes a descriptor (seccomp notifications, userfaultfd). --system-call-filter=pidfd_getfd lets it.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
command -v systemd-nspawn >/dev/null || cannot "no systemd-nspawn"
mkdir -p root/usr/bin root/etc
echo ID=none >root/etc/os-release
cat >probe.c <<'C'
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
static const char *said(long r) { return r >= 0 ? "yes" : errno == EPERM ? "EPERM" : "another error"; }
int main(void)
{
	char a = 1, b;
	struct iovec l = { &b, 1 }, r = { &a, 1 };
	pid_t child;
	int fd;

	child = fork();
	if (child == 0)
		for (;;)
			pause();
	fd = (int)syscall(SYS_pidfd_open, child, 0);
	printf("memory %s", said(process_vm_readv(child, &l, 1, &r, 1, 0)));
	printf(", kcmp %s", said(syscall(SYS_kcmp, getpid(), child, 0, 0, 0)));
	printf(", descriptor %s", said(syscall(SYS_pidfd_getfd, fd, 1, 0)));
	printf(", trace %s\n", said(ptrace(PTRACE_SEIZE, child, 0, 0)));
	kill(child, 9);
	return 0;
}
C
sed -i 's/#include <stdio.h>/#include <signal.h>\n&/' probe.c
gcc -O2 -D_GNU_SOURCE -static -o root/usr/bin/probe probe.c 2>/dev/null || cannot "no C compiler with a static libc"
run() { systemd-nspawn -q --register=no --keep-unit --private-network --console=pipe -D root "$@" /usr/bin/probe </dev/null 2>/dev/null | tr -d '\r\n'; }
seen "$(systemd-nspawn --version | head -n 1 | cut -d ' ' -f 1-2) on $(kernel)" "what root may do to its child; and with --system-call-filter=pidfd_getfd" \
	"memory yes, kcmp yes, descriptor EPERM, trace yes; memory yes, kcmp yes, descriptor yes, trace yes" \
	"$(run); $(run --system-call-filter=pidfd_getfd)"
