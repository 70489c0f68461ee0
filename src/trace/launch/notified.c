/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cpu.h"
#include "notified.h"
#include "trace-private.h"

/* linux/seccomp.h of Linux 6.6. */
#define NOTIF_SET_FLAGS	  SECCOMP_IOW(4, __u64)
#define NOTIF_SYNC_WAKEUP 1UL

/* A kernel's may be longer than our headers know. */
union notification {
	struct seccomp_notif notif;
	char room[512];
};

static void answer(struct notified *n, uint64_t id)
{
	union {
		struct seccomp_notif_resp resp;
		char room[512];
	} u;

	memset(&u, 0, sizeof(u));
	u.resp.id = id;
	u.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	/* -ENOENT: a signal has taken it back, and it comes again, or nobody is there any more. */
	ioctl(n->listener, SECCOMP_IOCTL_NOTIF_SEND, &u);
}

static void serve(struct notified *n)
{
	union notification u;
	struct tracee_call call;

	memset(&u, 0, sizeof(u));
	if (ioctl(n->listener, SECCOMP_IOCTL_NOTIF_RECV, &u) < 0)
		return;
	call.nr = (uint64_t)u.notif.data.nr;
	call.is_foreign = call.nr & cpu_other_abi_bit;
	for (size_t i = 0; i < ARRAY_SIZE(call.args); i++)
		call.args[i] = u.notif.data.args[i];
	pthread_mutex_lock(&n->trace->lock);
	trace_on_announced(n->trace, (pid_t)u.notif.pid, &call);
	pthread_mutex_unlock(&n->trace->lock);
	answer(n, u.notif.id);
}

static void *run(void *userdata)
{
	struct notified *n = userdata;
	struct pollfd p[] = {
		{ .fd = n->listener, .events = POLLIN },
		{ .fd = n->end_fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return NULL;
		if (p[1].revents)
			return NULL;
		if (p[0].revents & POLLIN)
			serve(n);
		else if (p[0].revents) /* all have ended */
			p[0].fd = -1;
	}
}

int notified_start(struct notified *n, struct trace *t, int listener)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		r = -errno;
		close(listener);
		return r;
	}
	*n = (struct notified){
		.trace = t, .listener = listener, .end_fd = fds[0], .ours = fds[1]
	};
	/* Linux 6.6; without, another processor may be roused. */
	ioctl(listener, NOTIF_SET_FLAGS, NOTIF_SYNC_WAKEUP);
	/* All signals of the recording are blocked now, and so in the thread. */
	r = -pthread_create(&n->thread, NULL, run, n);
	if (r < 0) {
		close(fds[0]);
		close(fds[1]);
		close(listener);
		*n = NOTIFIED_NONE;
	}
	return r;
}

void notified_stop(struct notified *n)
{
	if (n->listener < 0)
		return;
	close(n->ours);
	pthread_join(n->thread, NULL);
	close(n->end_fd);
	close(n->listener);
	*n = NOTIFIED_NONE;
}
