/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault-at [-s] [-e ERRNO] N COMMAND...: run it and, at the entry of the N-th system call (from 1)
 * of it and its children together, SIGKILL the caller; or, with -e, fail that call with the
 * errno of that number. Calls are counted from the command's exec on; with -s, from its
 * first rt_sigaction() on, which the loader does not call: what breaks the loader is no
 * news.
 *
 * Exit status: 3 when there were fewer calls; killed: 0; failed with -e: the command's own,
 * or 128 + signal. 125: trouble. The command is never left running.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

static long fault_n, n_calls;
static int fault_errno; /* 0: kill */
static pid_t failing;	/* whose call is about to return fault_errno */
static bool done, counting = true;

#define SYSCALL_STOP (SIGTRAP | 0x80)

/* What differs between processors: the number of a call at its entry, and its result. */
#if defined(__x86_64__)
static void set_call(pid_t pid, int nr)
{
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), (long)nr);
}

static void set_result(pid_t pid, long value)
{
	ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), value);
}
#elif defined(__aarch64__)
static void set_call(pid_t pid, int nr)
{
	struct iovec v = { &nr, sizeof(nr) };

	ptrace(PTRACE_SETREGSET, pid, (void *)NT_ARM_SYSTEM_CALL, &v);
}

static void set_result(pid_t pid, long value)
{
	struct user_regs_struct regs;
	struct iovec v = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &v) < 0)
		return;
	regs.regs[0] = (unsigned long)value;
	ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &v);
}
#else
static void set_call(pid_t pid, int nr)
{
	(void)nr;
	fprintf(stderr, "fault-at: cannot change calls on this processor\n");
	kill(pid, SIGKILL);
	exit(125);
}

static void set_result(pid_t pid, long value)
{
	(void)pid;
	(void)value;
}
#endif

static void on_entry(pid_t pid, uint64_t nr)
{
	if (nr == SYS_rt_sigaction)
		counting = true;
	if (!counting || done || ++n_calls != fault_n)
		return;
	done = true;
	if (fault_errno == 0) {
		kill(pid, SIGKILL);
		return;
	}
	/* These have no errors, and libc looks for none: brk() returns an address. */
	if (nr == SYS_exit_group || nr == SYS_exit || nr == SYS_brk)
		return;
	/* No such call: the kernel does nothing, and the result is replaced at its end. */
	set_call(pid, -1);
	failing = pid;
}

static void on_syscall_stop(pid_t pid)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		on_entry(pid, info.entry.nr);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && pid == failing) {
		set_result(pid, -fault_errno);
		failing = 0;
	}
}

/* Signal to deliver on going on. */
static int on_stop(pid_t pid, int status)
{
	int sig = WSTOPSIG(status);

	if (sig == SYSCALL_STOP) {
		on_syscall_stop(pid);
		return 0;
	}
	/* Events, the stop that a new child starts with, and the exec. */
	return status >> 16 || sig == SIGSTOP || sig == SIGTRAP ? 0 : sig;
}

/* Status of the first process; all others have ended, too, when this returns. */
static int trace_all(pid_t first)
{
	int first_status = 0, status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			int sig = on_stop(pid, status);

			ptrace(PTRACE_SYSCALL, pid, 0, sig);
		} else if (pid == first) {
			first_status = status;
		}
	}
	return first_status;
}

int main(int argc, char *argv[])
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL |
			     PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	int status;
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "-s") == 0) {
		counting = false;
		argv++;
		argc--;
	}
	if (argc > 2 && strcmp(argv[1], "-e") == 0) {
		fault_errno = atoi(argv[2]);
		argv += 2;
		argc -= 2;
	}
	fault_n = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	if (fault_n < 1) {
		fprintf(stderr, "usage: fault-at [-s] [-e ERRNO] N COMMAND...\n");
		return 125;
	}
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(125);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status)) {
		perror("fault-at");
		return 125;
	}
	ptrace(PTRACE_SETOPTIONS, pid, 0, options);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	status = trace_all(pid);
	if (!done)
		return 3;
	if (fault_errno == 0)
		return 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
