/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which functions a launch executes: each of them stops once, at its first instruction, and is as it was from then on.
 * Breakpoints are written into private mappings alone, whose pages the kernel copies for it (ptrace): no
 * file is changed, no other process sees them, children that are forked have those that are left.
 */
#ifndef ELFCAST_BREAKPOINTS_H
#define ELFCAST_BREAKPOINTS_H

#include "address-space.h"
#include "functions.h"

/*
 * On all functions of F in M, a private mapping from which code is executed, where a page is what it was when
 * F was made. TID is stopped, a task of M's address space.
 */
void breakpoints_set(struct functions *f, const struct mapping *m, pid_t tid);
/*
 * TID, which uses AS, got SIGTRAP: whether it is for a breakpoint. Then the function is noted, unless AS is not recorded,
 * and executed when TID goes on.
 */
bool breakpoints_take(struct functions *f, const struct address_space *as, pid_t tid);

#endif
