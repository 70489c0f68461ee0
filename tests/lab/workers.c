/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "workers.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PF_WQ_WORKER	0x20 /* include/linux/sched.h */
#define WORKER_PRIORITY 9    /* above the launches, below the disk */
#define MAX_WORKERS	512

static int keeper_fd = -1;
static pid_t keeper_pid;

/* By a flag that no program can have; numbers of workers that ended are given out again. */
static bool is_worker(pid_t pid)
{
	char path[32], text[512];
	unsigned long flags;
	const char *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	p = strrchr(text, ')'); /* state ppid pgrp session tty tpgid flags */
	return p && sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) == 1 &&
	       (flags & PF_WQ_WORKER);
}

static int set_policy(pid_t pid, int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return sched_setscheduler(pid, policy, &param);
}

/* Nothing but the end of the disk ends this one; its nice value a worker has kept. */
static _Noreturn void keep(int fd)
{
	static pid_t seen[MAX_WORKERS];
	size_t n = 0;
	pid_t pid;

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while (read(fd, &pid, sizeof(pid)) == sizeof(pid))
		if (n < MAX_WORKERS)
			seen[n++] = pid;
	while (n-- > 0)
		if (is_worker(seen[n]))
			set_policy(seen[n], SCHED_OTHER, 0);
	_exit(0);
}

int workers_begin(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	keeper_pid = fork();
	if (keeper_pid < 0)
		return -errno;
	if (keeper_pid == 0) {
		close(fds[1]);
		keep(fds[0]);
	}
	close(fds[0]);
	keeper_fd = fds[1];
	return 0;
}

void workers_promote(pid_t pid)
{
	static unsigned n;

	/* Asked each time: another lab that ended may just have given it back. */
	if (pid <= 0 || sched_getscheduler(pid) != SCHED_OTHER || n == MAX_WORKERS ||
	    !is_worker(pid))
		return;
	n++;
	/* Noted first: what is not on the list is never given back. */
	if (write(keeper_fd, &pid, sizeof(pid)) == sizeof(pid))
		set_policy(pid, SCHED_FIFO, WORKER_PRIORITY);
}

void workers_end(void)
{
	close(keeper_fd);
	waitpid(keeper_pid, NULL, 0);
}
