/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_SANDBOX_H
#define ELFCAST_SANDBOX_H

#include <stddef.h>

/*
 * For a process that parses what strangers wrote: from here on no capabilities, no new
 * privileges, no writing, creating, removing or executing of files, no core dump, at most
 * MEMORY_BYTES of address space; it dies with its parent. It keeps its user: the files of
 * root's own home, which root may train, stay readable. What the kernel does not have
 * (Landlock: Linux 5.13) is left out.
 */
void sandbox_enter(size_t memory_bytes);

/*
 * For a daemon that writes to few directories: no capabilities, no new privileges, and no
 * writing, creating, removing or executing of files but below the directories open as DIRS.
 * Needs no mount namespace, which a start pays for with 100 ms. As above where Landlock is
 * missing.
 */
void sandbox_confine(const int *dirs, size_t n);

/* The part of that which takes no memory and costs no time: capabilities, new privileges. */
void sandbox_drop_privileges(void);

#endif
