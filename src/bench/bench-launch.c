/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "bench-launch.h"
#include "child.h"
#include "clock.h"
#include "macro.h"
#include "prefetch-launch.h"

/* From SIGKILL to the end: as long as a process takes to give its memory back. */
#define KILL_TIMEOUT_MS 5000

/* Forks. In the child: 0, and *ret_message is where to write. Else the pid or -errno. */
static pid_t start(struct measured *ret, int *ret_message)
{
	struct measured m = { .pidfd = -1, .message_fd = -1 };
	pid_t parent = getpid();
	int pipes[2], error;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	m.message_fd = pipes[0];
	m.start_us = clock_us();
	m.pid = fork();
	if (m.pid == 0) {
		setpgid(0, 0);
		/* Whoever kills the measurement does not want to look for its parts. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
		close(pipes[0]);
		*ret_message = pipes[1];
		return 0;
	}
	error = -errno;
	close(pipes[1]);
	if (m.pid < 0) {
		close(pipes[0]);
		return error;
	}
	/* Both do it, so that it is done whoever runs first. */
	setpgid(m.pid, m.pid);
	m.pidfd = (int)syscall(SYS_pidfd_open, m.pid, 0);
	if (m.pidfd < 0) {
		error = -errno;
		measured_done(&m);
		return error;
	}
	*ret = m;
	return m.pid;
}

/* ---- the terminal, where the launch is to have it ---- */

/* SIGTTOU would stop a background process that gives the terminal to another group. */
static void set_foreground(pid_t group)
{
	sigset_t block, before;

	sigemptyset(&block);
	sigaddset(&block, SIGTTOU);
	sigprocmask(SIG_BLOCK, &block, &before);
	tcsetpgrp(STDIN_FILENO, group);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static bool is_foreground(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* ---- the launch ---- */

_Noreturn static void execute(const struct measured_launch *o, bool has_terminal,
			      int message)
{
	int error;

	if (has_terminal)
		set_foreground(getpid());
	if (!o->inherit_stdio)
		child_drop_stdio();
	sigprocmask(SIG_SETMASK, o->mask, NULL);
	execv(o->program, o->argv);
	error = errno;
	if (write(message, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

int measured_start_launch(const struct measured_launch *o, struct measured *ret)
{
	bool has_terminal = o->inherit_stdio && is_foreground();
	int message;
	pid_t pid;

	pid = start(ret, &message);
	if (pid == 0)
		execute(o, has_terminal, message);
	if (pid < 0)
		return (int)pid;
	ret->has_terminal = has_terminal;
	return 0;
}

/* ---- the prefetcher ---- */

static int read_ahead(const struct launch_shadows *list, const struct store *s,
		      const struct mounts *mounts, unsigned deadline_ms, bool wait,
		      struct measured_prefetch *ret)
{
	const struct prefetch_options options = {
		.rootfd = s->rootfd,
		.root_path = s->root_path,
		.deadline_ms = deadline_ms,
		.wait = wait,
	};

	for (size_t i = 0; i < list->n; i++) {
		struct prefetch_launch_report launch;
		struct prefetch_report report;
		int r;

		r = prefetch_launch(&list->items[i], mounts, &options, &launch);
		if (r < 0)
			return r;
		report = launch.data;
		ret->n_pages += report.n_pages_asked;
		ret->elapsed_us += report.elapsed_us;
		ret->n_used += report.n_objects_used;
		for (uint32_t o = 0; o < report.n_objects; o++)
			ret->n_skipped += report.skips[o] != OBJECT_USED &&
					  report.skips[o] != OBJECT_NO_PAGES;
		free(report.skips);
		if (report.deadline_hit)
			return -ETIMEDOUT;
	}
	return 0;
}

int measured_start_prefetch(const struct launch_shadows *list, const struct store *s,
			    const struct mounts *mounts, unsigned deadline_ms, bool wait,
			    struct measured *ret)
{
	int message;
	pid_t pid;

	pid = start(ret, &message);
	if (pid == 0) {
		struct measured_prefetch done = { 0 };

		/* Stuck in storage, it must not hold the caller's pipes open. */
		child_drop_stdio();
		if (read_ahead(list, s, mounts, deadline_ms, wait, &done) == 0 &&
		    write(message, &done, sizeof(done)) == sizeof(done))
			_exit(0);
		_exit(1);
	}
	return pid < 0 ? (int)pid : 0;
}

/* ---- their end ---- */

/* Until the process has ended: 0, -ETIMEDOUT or -EINTR. */
static int wait_end(const struct measured *m, uint64_t end_us, int interrupt_fd)
{
	struct pollfd p[] = { { .fd = m->pidfd, .events = POLLIN },
			      { .fd = interrupt_fd, .events = POLLIN } };
	int r = clock_poll(p, ARRAY_SIZE(p), end_us);

	if (r < 0)
		return r;
	/* What has ended in time counts, whatever else came. */
	if (p[0].revents)
		return 0;
	return r > 0 ? -EINTR : -ETIMEDOUT;
}

/*
 * What the process left in its group was killed just now and is a subreaper's child; its
 * pages stay mapped until it has gone.
 */
static void reap_group(pid_t group)
{
	uint64_t end_us = clock_us() + KILL_TIMEOUT_MS * 1000;

	while (clock_us() < end_us) {
		pid_t pid = waitpid(-group, NULL, WNOHANG);

		if (pid < 0 && errno != EINTR)
			return;
		if (pid == 0)
			clock_sleep_ms(1);
	}
}

static void fill_cost(const struct rusage *ru, uint64_t wall_us, struct measured_cost *ret)
{
	*ret = (struct measured_cost){
		.wall_us = wall_us,
		.cpu_us = ((uint64_t)ru->ru_utime.tv_sec + (uint64_t)ru->ru_stime.tv_sec) *
				  1000000 +
			  (uint64_t)ru->ru_utime.tv_usec + (uint64_t)ru->ru_stime.tv_usec,
		.n_major = (uint64_t)ru->ru_majflt,
		.n_minor = (uint64_t)ru->ru_minflt,
	};
}

/* It has ended or is to end now. Whether it could be reaped. */
static bool end_group(struct measured *m, struct rusage *ret_ru, int *ret_status)
{
	pid_t pid;

	/* The leader is not reaped yet, so nobody else can have the number. */
	kill(-m->pid, SIGKILL);
	kill(m->pid, SIGKILL);
	if (m->has_terminal)
		set_foreground(getpgrp());
	if (wait_end(m, clock_us() + KILL_TIMEOUT_MS * 1000, -1) < 0)
		return false;
	do
		pid = wait4(m->pid, ret_status, 0, ret_ru);
	while (pid < 0 && errno == EINTR);
	reap_group(m->pid);
	return pid == m->pid;
}

static void forget(struct measured *m)
{
	closep(&m->pidfd);
	closep(&m->message_fd);
	*m = (struct measured){ .pidfd = -1, .message_fd = -1 };
}

void measured_done(struct measured *m)
{
	struct rusage ru;
	int status;

	if (m->pid <= 0)
		return;
	if (m->pidfd >= 0) {
		end_group(m, &ru, &status);
	} else {
		kill(m->pid, SIGKILL);
		waitpid(m->pid, &status, 0);
	}
	forget(m);
}

/* *MESSAGE of BYTES is what the child wrote; its end may be open in a child of its own. */
static int wait_message(struct measured *m, const struct measured_limits *limits,
			struct measured_cost *ret, int *ret_status, void *message,
			size_t bytes, ssize_t *ret_bytes)
{
	uint64_t end_us = m->start_us + (uint64_t)limits->timeout_ms * 1000, wall_us;
	bool has_terminal = m->has_terminal;
	struct rusage ru = { 0 };
	int r, status = 0;

	r = wait_end(m, end_us, limits->interrupt_fd);
	wall_us = clock_us() - m->start_us;
	if (!end_group(m, &ru, &status) && r == 0)
		r = -ECHILD;
	fcntl(m->message_fd, F_SETFL, O_NONBLOCK);
	*ret_bytes = read(m->message_fd, message, bytes);
	forget(m);
	if (r < 0)
		return r;
	/* Ctrl-C goes to whoever has the terminal. */
	if (has_terminal && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT)
		return -EINTR;
	fill_cost(&ru, wall_us, ret);
	*ret_status = status;
	return 0;
}

int measured_wait(struct measured *m, const struct measured_limits *limits,
		  struct measured_cost *ret, int *ret_status)
{
	ssize_t bytes;
	int error, r;

	r = wait_message(m, limits, ret, ret_status, &error, sizeof(error), &bytes);
	if (r < 0)
		return r;
	return bytes == sizeof(error) ? -error : 0;
}

int measured_wait_prefetch(struct measured *m, const struct measured_limits *limits,
			   struct measured_cost *ret, struct measured_prefetch *ret_done)
{
	struct measured_prefetch done;
	ssize_t bytes;
	int status, r;

	r = wait_message(m, limits, ret, &status, &done, sizeof(done), &bytes);
	if (r < 0)
		return r;
	if (bytes != sizeof(done) || status != 0)
		return -EIO;
	*ret_done = done;
	return 0;
}
