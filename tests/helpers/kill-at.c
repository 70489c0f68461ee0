/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kill-at N COMMAND...: run it and SIGKILL it at the entry of its N-th system call (from 1).
 * Exit status 0: killed; 3: it ended before that many (whatever its own status); 1: trouble.
 * Only the first process is counted and killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int next_stop(pid_t pid, long request, int signal_number)
{
	int status;

	if (ptrace(request, pid, 0, signal_number) < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	return status;
}

int main(int argc, char *argv[])
{
	long n = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	int status, deliver = 0;
	pid_t pid;

	if (n < 1) {
		fprintf(stderr, "usage: kill-at N COMMAND...\n");
		return 1;
	}
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status)) {
		perror("kill-at");
		return 1;
	}
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (long stops = 0;;) {
		status = next_stop(pid, PTRACE_SYSCALL, deliver);
		if (status < 0 || WIFEXITED(status) || WIFSIGNALED(status))
			return status < 0 ? 1 : 3;
		deliver = 0;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			deliver = WSTOPSIG(status);
			continue;
		}
		/* Entry and exit alternate: entries are the odd stops. */
		if (stops++ == 2 * (n - 1))
			break;
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}
