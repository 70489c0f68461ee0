/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process for work that may hang in storage. Nothing can end a system call that sleeps in a
 * dead disk, SIGKILL neither, so nobody may ever wait for one without limit: the work is a
 * child's, the parent waits until its deadline and leaves it then. A child that is left holds
 * what it has open until the disk answers, so it lets go of all that others wait for.
 * libc only.
 */
#ifndef ELFCAST_CHILD_H
#define ELFCAST_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
	pid_t pid; /* 0: none, or it was reaped or left */
	int fd; /* what it tells is read here; hangs up when it has ended; -1 with pid 0 */
};

#define CHILD_NONE ((struct child){ .fd = -1 })

/*
 * Fork. In the child: 0, and *ret_fd, on which it tells, is its own (close-on-exec, and closed
 * at its end). In the parent: the process's number, *RET is to be given to child_reap() or
 * child_leave(). Negative errno when there is no child.
 */
pid_t child_fork(struct child *ret, int *ret_fd);

/*
 * In the child: let go of everything inherited. Standard descriptors become /dev/null; of the
 * others only those of KEPT stay, as 3, 4, and so on in this order, which *KEPT[I] then says.
 * A -1 among them stays -1, its number is left out.
 */
void child_let_go(int *const kept[], size_t n);
/* Standard descriptors only, where the others are still needed. */
void child_drop_stdio(void);

/* Until it tells something or ends: true. False: the moment UNTIL_US (clock.h) came first. */
bool child_wait(const struct child *c, uint64_t until_us);

/* It has ended, or is going to without touching storage: waits. Its wait(2) status; 0: unknown. */
int child_reap(struct child *c);
/* Whatever it does: it is told to die, and not waited for. Reaped if it has ended already. */
void child_leave(struct child *c);

#endif
