/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_SANDBOX_H
#define ELFCAST_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct sandbox {
	size_t memory_bytes; /* of address space; 0: no limit */
	bool keep_user;	     /* root stays who owns root's files, without capabilities */
	bool is_child;	     /* dies with its parent, and writes to pipes only */
};

/*
 * For a process that parses what strangers wrote. From here on root is nobody; there are no
 * capabilities, no new privileges, no core dump; files are neither written nor created,
 * removed or executed; no sockets, no TCP, no signals and no looking into others, no new
 * processes; see syscall_filter_install(). It reads what nobody may read, and what it has
 * open. What the kernel or a container does not have or allow (another user, Landlock:
 * Linux 5.13, its TCP rules: 6.7, and scopes: 6.12) is left out.
 */
void sandbox_enter(const struct sandbox *s);

/* BYTES of address space at most, where no sanitizer is in the way. */
void sandbox_limit_memory(size_t bytes);

/* Close all descriptors but stdin, stdout, stderr and the N of KEPT. */
void sandbox_close_all_but(const int *kept, size_t n);

/*
 * For a daemon that writes to few directories: no capabilities, no new privileges, and no
 * writing, creating, removing or executing of files but below the directories open as DIRS.
 * Needs no mount namespace, which a start pays for with 100 ms. As above where Landlock is
 * missing.
 */
void sandbox_confine(const int *dirs, size_t n);

/* The part of that which takes no memory and costs no time: capabilities, new privileges. */
void sandbox_drop_privileges(void);
/* The same for who reads files that are not for everybody: all but CAP_DAC_READ_SEARCH. */
void sandbox_drop_all_but_reading(void);

#endif
