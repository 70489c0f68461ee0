/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which programs a boot starts, told from unit files alone: all that the default target pulls
 * in, in the order in which it is started. Sockets and timers start nothing by themselves, so
 * what they lead to is left out, but for the bus that a service asks for. libc only.
 */
#ifndef ELFCAST_BOOT_PROGRAMS_H
#define ELFCAST_BOOT_PROGRAMS_H

#include <stddef.h>

#include "mounts.h"
#include "store.h"

struct boot_program {
	char *path; /* canonical, below the root */
	char *unit; /* the first that starts it */
};

struct boot_programs {
	struct boot_program *items; /* in the order in which they start, each once */
	size_t n, capacity;
};

/*
 * Programs of the system that S is opened on, M being this machine's mounts; none where
 * systemd is not there. What cannot be read is left out. -ENOMEM.
 */
int boot_programs_find(const struct store *s, const struct mounts *m,
		       struct boot_programs *ret);
void boot_programs_done(struct boot_programs *p);

#endif
