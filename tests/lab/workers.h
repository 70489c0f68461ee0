/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's workers that bring the requests. A loop device hands each request to an
 * unbound workqueue, whose workers have nice 0: on a busy machine a request arrives
 * milliseconds after it was made, and nothing behind the worker can tell. So a worker that is
 * seen bringing one gets real-time priority, and gives it back when the disk ends, however
 * that ends: a second process holds the list, and sees our end of a pipe close.
 */
#pragma once
#include <sys/types.h>

/* Before anything is open that must be closed when the disk ends. 0 or negative errno. */
int workers_begin(void);

/* PID brought a request. Whoever is no kernel worker, or has another policy, is left alone. */
void workers_promote(pid_t pid);

/* All is as it was when this returns. */
void workers_end(void);
