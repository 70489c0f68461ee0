/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The recording is a process's own, and this one leaves it when it hangs: in a file system that
 * does not answer, or in whatever else. It must not stay behind with the launch stopped, so
 * what it traces is killed with it, as at the end of the window.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "child.h"
#include "large-folios.h"
#include "recording-pipe.h"
#include "settings.h"
#include "trace-private.h"

#define LEAVE_AFTER_MS	      10000 /* the window's end */
#define LEAVE_AFTER_SIGNAL_MS 1500

/* What the program writes to standard error, the last of it. */
struct last_words {
	int fd; /* -1: ended, or it has ours */
	char text[LAST_WORDS_BYTES - 1];
	size_t bytes;
};

struct supervision {
	struct child child;
	struct settings settings;
	int signal_fd;
	struct last_words words;
	uint64_t until_us;
	bool interrupted;
};

static _Noreturn void work(const char *program, char *const argv[], const sigset_t *mask,
			   const struct trace_options *options, pid_t parent, int error_fd,
			   int fd)
{
	struct trace_result result;
	int r;

	/* Whoever kills the parent means this one, and what it traces. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	r = trace_record(program, argv, mask, options, error_fd, &result);
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

static void keep_last(struct last_words *w, const char *text, size_t bytes)
{
	size_t kept = MIN(w->bytes, sizeof(w->text) - bytes);

	memmove(w->text, w->text + w->bytes - kept, kept);
	memcpy(w->text + kept, text, bytes);
	w->bytes = kept + bytes;
}

/* What there is; whoever writes faster than that waits for the pipe. */
static void listen_to_program(struct last_words *w)
{
	char text[sizeof(w->text)];
	ssize_t n = read(w->fd, text, sizeof(text));

	if (n > 0)
		keep_last(w, text, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(w->fd);
		w->fd = -1;
	}
}

/* The launch is over: all that is left in the pipe, if somebody has it still, what is there now. */
static void last_words_take(struct last_words *w, char ret[static LAST_WORDS_BYTES])
{
	enum { PIPE_READS = 1 << 10 };

	for (int i = 0; i < PIPE_READS && w->fd >= 0; i++) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			break;
		listen_to_program(w);
	}
	memcpy(ret, w->text, w->bytes);
	ret[w->bytes] = 0;
}

/* All that the child has to say, until it closes its end. -ETIMEDOUT. */
static int listen_to(struct supervision *s, char **ret, size_t *ret_bytes)
{
	size_t room = 0, got = 0;

	for (;;) {
		struct pollfd p[] = {
			{ .fd = s->child.fd, .events = POLLIN },
			{ .fd = s->signal_fd, .events = POLLIN },
			{ .fd = s->words.fd, .events = POLLIN },
		};
		int r = clock_poll(p, ARRAY_SIZE(p), s->until_us);
		ssize_t n;

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		if (p[1].revents)
			on_signal(s);
		if (p[2].revents)
			listen_to_program(&s->words);
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
	if (r == 0)
		last_words_take(&s->words, ret->last_words);
	/* Killed, it says nothing. */
	return r == -EBADMSG && s->interrupted ? -EINTR : r;
}

/* A pipe for the program's standard error. It may open that by name as well: it is its own. */
static int open_words(const struct trace_options *options, struct last_words *w,
		      int *ret_error_fd)
{
	const struct trace_user *u = options->user;
	int fds[2];

	if (options->inherit_stdio)
		return 0;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	w->fd = fds[0];
	*ret_error_fd = fds[1];
	if (fcntl(fds[1], F_SETFL, 0) < 0 || (u && fchown(fds[1], u->uid, u->gid) < 0))
		return -errno;
	return 0;
}

static int supervise(const char *program, char *const argv[], const sigset_t *mask,
		     const struct trace_options *options, struct supervision *s,
		     struct trace_result *ret)
{
	_cleanup_close_ int error_fd = -1;
	pid_t self = getpid(), pid;
	int fd, r = open_words(options, &s->words, &error_fd);

	if (r < 0)
		return r;
	pid = child_fork(&s->child, &fd);
	if (pid < 0)
		return pid;
	if (pid == 0) {
		settings_leave(&s->settings);
		work(program, argv, mask, options, self, error_fd, fd);
	}
	close(TAKE_FD(error_fd));
	return collect(s, ret);
}

/*
 * Kernels that are older than PAGEMAP_SCAN do, but for folios of 2 MiB, and map one of those in our trial
 * in spite of MADV_NOHUGEPAGE: they are not asked.
 */
static bool faults_map_one_page(void)
{
	return !address_space_scan_supported() || !large_folios_map_whole();
}

/* Without it, what is in page tables was touched. */
static bool stop_fault_around(struct settings *s)
{
	return faults_map_one_page() && settings_add_fault_around(s) == 0 &&
	       settings_keep(s) == 0 && settings_change(s) == 0;
}

int trace_launch(const char *program, char *const argv[],
		 const struct trace_options *options, struct trace_result *ret)
{
	struct trace_options here = *options;
	struct supervision s = {
		.child = CHILD_NONE,
		.settings = SETTINGS_NONE,
		.words.fd = -1,
		.until_us = clock_in_ms((uint64_t)options->window_ms + LEAVE_AFTER_MS),
	};
	sigset_t signals, before;
	int r;

	*ret = (struct trace_result){ 0 };
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	s.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	here.method = trace_method_here(here.method);
	if (here.method == TRACE_PTE && !stop_fault_around(&s.settings))
		here.method = TRACE_PAGEMAP;
	r = s.signal_fd < 0 ? -errno : supervise(program, argv, &before, &here, &s, ret);
	settings_done(&s.settings);
	closep(&s.signal_fd);
	closep(&s.words.fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
