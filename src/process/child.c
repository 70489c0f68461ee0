/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"
#include "clock.h"
#include "macro.h"

/* Above what is kept while descriptors are moved to their places. */
#define ASIDE_FD 16

pid_t child_fork(struct child *ret, int *ret_fd)
{
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		*ret_fd = ends[1];
		return 0;
	}
	r = -errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return r;
	}
	*ret = (struct child){ .pid = pid, .fd = ends[0] };
	return pid;
}

void child_drop_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	if (null > STDERR_FILENO)
		close(null);
}

void child_let_go(int *const kept[], size_t n)
{
	int next = STDERR_FILENO + 1;

	child_drop_stdio();
	/* Out of the way of where they are going to be. */
	for (size_t i = 0; i < n; i++)
		if (*kept[i] >= 0)
			*kept[i] = fcntl(*kept[i], F_DUPFD_CLOEXEC, ASIDE_FD);
	for (size_t i = 0; i < n; i++)
		if (*kept[i] >= 0)
			*kept[i] = dup3(*kept[i], next++, O_CLOEXEC);
	syscall(SYS_close_range, (unsigned)next, ~0u, 0u);
}

bool child_wait(const struct child *c, uint64_t until_us)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	/* Who cannot poll must not wait for what hangs: as if the moment had come. */
	return clock_poll(&p, 1, until_us) > 0;
}

static void forget(struct child *c)
{
	close(c->fd);
	*c = CHILD_NONE;
}

int child_reap(struct child *c)
{
	int status = 0;

	if (c->pid <= 0)
		return 0;
	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR) {
			status = 0;
			break;
		}
	forget(c);
	return status;
}

void child_leave(struct child *c)
{
	if (c->pid <= 0)
		return;
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, WNOHANG);
	forget(c);
}
