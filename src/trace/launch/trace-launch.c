/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The recording is a process's own, and this one leaves it when it hangs: in a file system that
 * does not answer, or in whatever else. It must not stay behind with the launch stopped, so
 * what it traces is killed with it, as at the end of the window.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "child.h"
#include "recording-pipe.h"
#include "trace-private.h"

#define LEAVE_AFTER_MS	      10000 /* the window's end */
#define LEAVE_AFTER_SIGNAL_MS 1500

struct supervision {
	struct child child;
	int signal_fd;
	uint64_t until_us;
	bool interrupted;
};

static _Noreturn void work(const char *program, char *const argv[], const sigset_t *mask,
			   const struct trace_options *options, pid_t parent, int fd)
{
	struct trace_result result;
	int r;

	/* Whoever kills the parent means this one, and what it traces. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	r = trace_record(program, argv, mask, options, &result);
	_exit(recording_write(fd, r, &result) < 0);
}

static void on_signal(struct supervision *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	s->interrupted = true;
	s->until_us = MIN(s->until_us, clock_in_ms(LEAVE_AFTER_SIGNAL_MS));
	kill(s->child.pid, SIGTERM);
}

/* All that the child has to say, until it closes its end. -ETIMEDOUT. */
static int listen_to(struct supervision *s, char **ret, size_t *ret_bytes)
{
	size_t room = 0, got = 0;

	for (;;) {
		struct pollfd p[] = {
			{ .fd = s->child.fd, .events = POLLIN },
			{ .fd = s->signal_fd, .events = POLLIN },
		};
		int r = clock_poll(p, ARRAY_SIZE(p), s->until_us);
		ssize_t n;

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		if (p[1].revents)
			on_signal(s);
		if (!p[0].revents)
			continue;
		if (got == room) {
			char *bigger = realloc(*ret, room = room ? room * 2 : 65536);

			if (!bigger)
				return -ENOMEM;
			*ret = bigger;
		}
		n = read(s->child.fd, *ret + got, room - got);
		if (n <= 0) {
			*ret_bytes = got;
			return n < 0 ? -errno : 0;
		}
		got += (size_t)n;
	}
}

static bool is_traced_by(const char *pid, pid_t tracer)
{
	char path[280], line[256];
	bool traced = false;
	FILE *status;
	int by;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "TracerPid: %d", &by) == 1)
			traced = by == tracer;
	if (status)
		fclose(status);
	return traced;
}

/*
 * A recorder that waits for a server which it has stopped itself ends only when that does. The
 * kernel kills what it traces after it, not before.
 */
static void kill_traced(pid_t tracer)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (atoi(e->d_name) > 0 && is_traced_by(e->d_name, tracer))
			kill(atoi(e->d_name), SIGKILL);
	if (dir)
		closedir(dir);
}

static int collect(struct supervision *s, struct trace_result *ret)
{
	_cleanup_free_ char *text = NULL;
	pid_t pid = s->child.pid;
	size_t bytes = 0;
	int r = listen_to(s, &text, &bytes);

	if (r < 0) {
		child_leave(&s->child);
		kill_traced(pid);
		return s->interrupted ? -EINTR : r;
	}
	child_reap(&s->child);
	r = recording_parse(text, bytes, ret);
	/* Killed, it says nothing. */
	return r == -EBADMSG && s->interrupted ? -EINTR : r;
}

static int supervise(const char *program, char *const argv[], const sigset_t *signals,
		     const sigset_t *mask, const struct trace_options *options,
		     struct trace_result *ret)
{
	_cleanup_close_ int signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	struct supervision s = {
		.child = CHILD_NONE,
		.signal_fd = signal_fd,
		.until_us = clock_in_ms((uint64_t)options->window_ms + LEAVE_AFTER_MS),
	};
	pid_t self = getpid(), pid;
	int fd;

	if (signal_fd < 0)
		return -errno;
	pid = child_fork(&s.child, &fd);
	if (pid < 0)
		return pid;
	if (pid == 0)
		work(program, argv, mask, options, self, fd);
	return collect(&s, ret);
}

int trace_launch(const char *program, char *const argv[],
		 const struct trace_options *options, struct trace_result *ret)
{
	sigset_t signals, before;
	int r;

	*ret = (struct trace_result){ 0 };
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	r = supervise(program, argv, &signals, &before, options, ret);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
