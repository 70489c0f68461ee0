/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nothing can end a thread that sleeps in a dead disk, so whatever may is done in processes
 * that can be left behind. This one looks at /proc and /run only.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"
#include "log.h"
#include "macro.h"
#include "output-file.h"

/* The parts stop by themselves, at the deadline and when told to; who does not is left. */
#define GRACE_US	   250000
/* Of a system whose elfcast.conf cannot be read. */
#define DEADLINE_MS	   30000u
/* ioprio_set(2): of this process, the idle class; obeyed by bfq and mq-deadline. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE	   (3 << 13)

enum { METADATA, DATA, PARTS };

struct process {
	pid_t pid;
	int in; /* hangs up when the part has ended; -1: it has, or was not started */
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/*
 * A descriptor that polls POLLPRI when tasks have waited for memory for 5 % of a second, or
 * of two where only such periods are for everyone (Linux 6.4; before, it takes
 * CAP_SYS_RESOURCE). -1: this kernel does not tell.
 */
static int watch_pressure(void)
{
	static const char *const triggers[] = { "some 50000 1000000",
						"some 100000 2000000" };
	int fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(triggers); i++)
		if (write(fd, triggers[i], strlen(triggers[i]) + 1) > 0)
			return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/*
 * A descriptor for the signals that would end this process, which are blocked from now on,
 * in the parts too: those are told by the supervisor.
 */
static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/*
 * A process that is stuck must hold nothing that others wait for: only PART's descriptors
 * stay.
 */
static void let_go(struct boot_part *part)
{
	int *const kept[] = { &part->stop_fd, &part->told_fd, &part->ready_fd,
			      &part->before_fd };
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	/* Out of the way of where they are going to be. */
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		*kept[i] = *kept[i] < 0 ? -1 : fcntl(*kept[i], F_DUPFD_CLOEXEC, 10);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		*kept[i] = *kept[i] < 0 ? -1 : dup2(*kept[i], STDERR_FILENO + 1 + (int)i);
	syscall(SYS_close_range, STDERR_FILENO + 1u + ARRAY_SIZE(kept), ~0u, 0u);
}

static int start_part(struct boot_part part, void (*run)(const struct boot_part *),
		      struct process *ret)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		part.told_fd = ends[1];
		let_go(&part);
		run(&part);
		_exit(0);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -errno;
	}
	*ret = (struct process){ pid, ends[0] };
	return 0;
}

/*
 * First the data part reads its pack, then the metadata part reads ahead, then the data part:
 * while one reads from the disk it takes the other for somebody else, and waits. Only root
 * can read block devices; without that part it is only slower.
 */
static int start_parts(struct boot_part part, struct process ret[static PARTS])
{
	int ready[2], r;

	ret[METADATA].in = ret[DATA].in = part.ready_fd = part.before_fd = -1;
	if (part.options->no_metadata || geteuid() != 0 || pipe2(ready, O_CLOEXEC) < 0)
		return start_part(part, boot_data_part, &ret[DATA]);
	part.before_fd = ready[0];
	start_part(part, boot_metadata_part, &ret[METADATA]);
	part.before_fd = ret[METADATA].in;
	part.ready_fd = ready[1];
	r = start_part(part, boot_data_part, &ret[DATA]);
	close(ready[0]);
	close(ready[1]);
	return r;
}

/* 0 when UNTIL_US has passed, else what happened: pollfd.revents of each are set. */
static int wait_event(struct pollfd *fds, nfds_t n, uint64_t until_us)
{
	uint64_t now = now_us(), left = until_us > now ? until_us - now : 0;
	int r = poll(fds, n, (int)MIN((left + 999) / 1000, 1u << 30));

	return r < 0 && errno == EINTR ? 1 : r;
}

/* Until the part has read elfcast.conf, which may hang, the default holds. */
static uint64_t deadline_us(const struct boot_share *share, uint64_t start_us)
{
	unsigned ms = share->deadline_ms ? share->deadline_ms : DEADLINE_MS;

	return start_us + ms * UINT64_C(1000) + GRACE_US;
}

/* Whether it has ended; it may only have told something. */
static bool has_ended(struct process *p, short events)
{
	char byte;

	if (events & POLLIN && read(p->in, &byte, 1) == 1 && !(events & POLLHUP))
		return false;
	if (events == 0)
		return false;
	waitpid(p->pid, NULL, 0);
	close(p->in);
	p->in = -1;
	return true;
}

/*
 * Wait for the parts, and for reasons to stop them: the deadline they mind themselves, of
 * the others they are told by STOP_FD being closed.
 */
static void watch(struct process processes[static PARTS], int signals, int stop_fd,
		  uint64_t start_us, const struct boot_share *share, struct boot_end *end)
{
	enum { SIGNAL = PARTS, PRESSURE, FDS };
	struct pollfd fds[FDS] = {
		[SIGNAL] = { .fd = signals, .events = POLLIN },
		[PRESSURE] = { .fd = watch_pressure(), .events = POLLPRI },
	};
	uint64_t stopped_us = UINT64_MAX;
	int n_left = 0;

	for (int i = 0; i < PARTS; i++) {
		fds[i] = (struct pollfd){ .fd = processes[i].in, .events = POLLIN };
		n_left += processes[i].in >= 0;
	}
	while (n_left > 0 &&
	       wait_event(fds, FDS, MIN(deadline_us(share, start_us), stopped_us)) != 0) {
		for (int i = 0; i < PARTS; i++)
			if (fds[i].fd >= 0 && has_ended(&processes[i], fds[i].revents)) {
				fds[i].fd = -1;
				n_left--;
			}
		if (!fds[SIGNAL].revents && !fds[PRESSURE].revents)
			continue;
		end->stop = fds[SIGNAL].revents ? BOOT_STOP_SIGNAL : BOOT_STOP_PRESSURE;
		fds[SIGNAL].fd = fds[PRESSURE].fd = -1;
		stopped_us = now_us() + GRACE_US;
		close(stop_fd);
	}
	end->left_behind = n_left > 0;
	for (int i = 0; i < PARTS; i++)
		if (processes[i].in >= 0)
			kill(processes[i].pid, SIGKILL);
}

int boot_supervise(const struct boot_options *o)
{
	struct boot_part part = { .options = o, .start_us = now_us() };
	struct boot_end end = { .stop = BOOT_STOP_NONE };
	int signals = watch_signals(), stop[2], r;
	struct process processes[PARTS];

	part.share = mmap(NULL, sizeof(*part.share), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (signals < 0 || part.share == MAP_FAILED || pipe2(stop, O_CLOEXEC) < 0)
		return log_errno(-errno, "cannot start"), 1;
	part.share->deadline_ms = o->deadline_ms;
	part.stop_fd = stop[0];
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
	r = start_parts(part, processes);
	if (r < 0)
		return log_errno(r, "cannot make a process"), 1;
	watch(processes, signals, stop[1], part.start_us, part.share, &end);
	end.elapsed_us = now_us() - part.start_us;
	if (end.stop == BOOT_STOP_NONE)
		end.stop = end.left_behind ? BOOT_STOP_DEADLINE
					   : (enum boot_stop)part.share->data.stop;
	boot_log(o, part.share, &end);
	r = boot_write_report(o, part.share, &end);
	if (r < 0)
		log_error("cannot write the report: %s", output_file_error(r));
	return 0;
}
