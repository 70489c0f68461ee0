/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls of which it is enough to know that they begin are not stopped, but announced
 * (seccomp_unotify(2)): half as dear as a stop, since who is announced to is woken on the same processor, and no other one is
 * roused. They are answered in a thread of its own, which takes the recording's lock for each.
 */
#ifndef ELFCAST_NOTIFIED_H
#define ELFCAST_NOTIFIED_H

#include <pthread.h>

struct trace;

struct notified {
	struct trace *trace;
	pthread_t thread;
	int listener; /* -1: such calls stop, as all others do */
	int end_fd;   /* closed by the other side when it is to end */
	int ours;     /* that side */
};

#define NOTIFIED_NONE ((struct notified){ .listener = -1, .end_fd = -1, .ours = -1 })

/* Takes LISTENER. T has its lock. Negative errno: calls would wait for ever. */
int notified_start(struct notified *n, struct trace *t, int listener);
/* No call is answered any more. Does nothing where it was not started. */
void notified_stop(struct notified *n);

#endif
