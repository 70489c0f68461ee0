/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor. Whatever may hang in a dead disk is done by the parts, which are processes
 * that it can leave behind (child.h). It looks at /proc and /run itself, and at nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot.h"
#include "child.h"
#include "clock.h"
#include "log.h"
#include "macro.h"
#include "output-file.h"
#include "pressure.h"

/* The parts stop by themselves, at the deadline and when told to; who does not is left. */
#define GRACE_US    250000
/* Of a system whose elfcast.conf cannot be read. */
#define DEADLINE_MS 30000u

enum { METADATA, DATA, OWN, PARTS };

/*
 * A descriptor for the signals that would end this process, which are blocked from now on,
 * in the parts too: those are told by the supervisor. DEAF: of none of them.
 */
static int watch_signals(bool deaf)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	if (deaf)
		sigemptyset(&set);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int start_part(struct boot_part part, void (*run)(const struct boot_part *),
		      struct child *ret)
{
	int *const kept[] = { &part.stop_fd,  &part.told_fd,   &part.ready_fd,
			      &part.eager_fd, &part.before_fd, &part.plan_fd };
	pid_t pid = child_fork(ret, &part.told_fd);

	if (pid == 0) {
		child_let_go(kept, ARRAY_SIZE(kept));
		run(&part);
		_exit(0);
	}
	return pid < 0 ? (int)pid : 0;
}

static void close_both(const int ends[static 2])
{
	close(ends[0]);
	close(ends[1]);
}

/*
 * What the boot needs all read at once, if the data part, which parses the pack, says so. After
 * the boot, the metadata part reads first, then the data part: while one reads from the disk it
 * takes the other for somebody else, and waits. Only root can read block devices and all files;
 * without these parts it is only slower.
 */
static int start_parts(struct boot_part part, struct child ret[static PARTS])
{
	enum { EAGER, READY, PLAN, PIPES };
	int pipes[PIPES][2], r;

	ret[METADATA] = ret[DATA] = ret[OWN] = CHILD_NONE;
	part.ready_fd = part.eager_fd = part.before_fd = part.plan_fd = -1;
	if (geteuid() != 0)
		return start_part(part, boot_data_part, &ret[DATA]);
	for (int i = 0; i < PIPES; i++)
		if (pipe2(pipes[i], O_CLOEXEC) < 0) {
			r = -errno;
			while (i-- > 0)
				close_both(pipes[i]);
			return r;
		}
	part.plan_fd = pipes[PLAN][0];
	start_part(part, boot_own_part, &ret[OWN]);
	part.ready_fd = pipes[EAGER][1];
	part.before_fd = pipes[READY][0];
	if (!part.options->no_metadata)
		start_part(part, boot_metadata_part, &ret[METADATA]);
	close(pipes[EAGER][1]);
	part.ready_fd = pipes[READY][1];
	part.eager_fd = pipes[EAGER][0];
	part.before_fd = ret[METADATA].fd;
	part.plan_fd = pipes[PLAN][1];
	r = start_part(part, boot_data_part, &ret[DATA]);
	close(pipes[EAGER][0]);
	close_both(pipes[READY]);
	close_both(pipes[PLAN]);
	return r;
}

/* Until the part has read elfcast.conf, which may hang, the default holds. */
static uint64_t deadline_us(const struct boot_share *share, uint64_t start_us)
{
	unsigned ms = boot_share_deadline_ms(share);

	return start_us + (ms ? ms : DEADLINE_MS) * UINT64_C(1000) + GRACE_US;
}

/* Whether it has ended; it may only have told something. */
static bool has_ended(struct child *part, short events)
{
	char byte;

	if (events & POLLIN && read(part->fd, &byte, 1) == 1 && !(events & POLLHUP))
		return false;
	if (events == 0)
		return false;
	child_reap(part);
	return true;
}

/*
 * Wait for the parts, and for reasons to stop them: the deadline they mind themselves, of
 * the others they are told by STOP_FD being closed.
 */
static void watch(struct child parts[static PARTS], int signals, int stop_fd,
		  uint64_t start_us, const struct boot_share *share, struct boot_end *end)
{
	enum { SIGNAL = PARTS, PRESSURE, FDS };
	const struct pressure pressure = pressure_open();
	struct pollfd fds[FDS] = {
		[SIGNAL] = { .fd = signals, .events = POLLIN },
		[PRESSURE] = { .fd = pressure.fd, .events = POLLPRI },
	};
	uint64_t stopped_us = CLOCK_NEVER;
	int n_left = 0;

	for (int i = 0; i < PARTS; i++) {
		fds[i] = (struct pollfd){ .fd = parts[i].fd, .events = POLLIN };
		n_left += parts[i].pid > 0;
	}
	while (n_left > 0 &&
	       clock_poll(fds, FDS, MIN(deadline_us(share, start_us), stopped_us)) > 0) {
		for (int i = 0; i < PARTS; i++)
			if (fds[i].fd >= 0 && has_ended(&parts[i], fds[i].revents)) {
				fds[i].fd = -1;
				n_left--;
			}
		if (fds[PRESSURE].revents && !pressure_is_everyones(&pressure))
			fds[PRESSURE].revents = 0;
		if (!fds[SIGNAL].revents && !fds[PRESSURE].revents)
			continue;
		end->stop = fds[SIGNAL].revents ? BOOT_STOP_SIGNAL : BOOT_STOP_PRESSURE;
		fds[SIGNAL].fd = fds[PRESSURE].fd = -1;
		stopped_us = clock_us() + GRACE_US;
		close(stop_fd);
	}
	end->left_behind = n_left > 0;
	for (int i = 0; i < PARTS; i++)
		child_leave(&parts[i]);
}

/* Who is there so early has nobody to tell it to but the one that comes later. */
static void leave_word(const struct boot_options *o, const struct boot_share *told)
{
	/* Of nothing there is no word: the next one may have mounts that this one had not. */
	int r = o->early && told->data_fates.n > 0 ? boot_early_leave(o, told) : 0;

	if (r < 0)
		log_debug("what was read will be asked for again: %s", error_text(r));
}

static void tell(const struct boot_options *o, struct boot_share *told,
		 const struct boot_share *early, struct boot_end *end)
{
	int r;

	if (early) {
		end->start_us = boot_timelines_join(told, early, end->start_us);
		boot_early_add(told, early);
	}
	boot_log(o, told, end);
	r = boot_write_report(o, told, end);
	if (r < 0)
		log_error("cannot write the report: %s", output_file_error(r));
}

int boot_supervise(const struct boot_options *o)
{
	struct boot_part part = { .options = o };
	struct boot_end end = { .stop = BOOT_STOP_NONE };
	struct boot_share told, early;
	int signals = watch_signals(o->deaf), stop[2], r;
	_cleanup_close_ int lock = -1;
	struct child parts[PARTS];

	part.share = mmap(NULL, sizeof(*part.share), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (signals < 0 || part.share == MAP_FAILED || pipe2(stop, O_CLOEXEC) < 0)
		return log_errno(-errno, "cannot start"), 1;
	part.share->deadline_ms = o->deadline_ms;
	lock = boot_early_wait(o, signals, deadline_us(part.share, clock_us()), &end.stop);
	if ((o->early || !o->only_eager) && boot_early_load(o, &early))
		part.early = &early;
	if (o->early && (part.early || end.stop != BOOT_STOP_NONE))
		return 0;
	part.start_us = end.start_us = clock_us();
	part.stop_fd = stop[0];
	r = end.stop == BOOT_STOP_NONE ? start_parts(part, parts) : 0;
	if (r < 0)
		return log_errno(r, "cannot make a process"), 1;
	if (end.stop == BOOT_STOP_NONE)
		watch(parts, signals, stop[1], part.start_us, part.share, &end);
	end.elapsed_us = clock_us() - part.start_us;
	if (boots_read_id(end.boot_id) < 0)
		*end.boot_id = 0;
	boot_share_take(part.share, &told);
	if (end.stop == BOOT_STOP_NONE)
		end.stop = end.left_behind ? BOOT_STOP_DEADLINE
					   : (enum boot_stop)told.data.stop;
	leave_word(o, &told);
	if (!o->only_eager || o->report)
		tell(o, &told, part.early, &end);
	if (!o->only_eager)
		boot_early_take_away(o);
	return 0;
}
