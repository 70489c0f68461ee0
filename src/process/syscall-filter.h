/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_SYSCALL_FILTER_H
#define ELFCAST_SYSCALL_FILTER_H

/*
 * For a process that reads, computes and writes to what it has open: from here on it, and
 * what it starts, which is threads only, gets EPERM from what sends signals, starts programs,
 * opens sockets, looks into other processes, changes files, users, namespaces or the machine,
 * and ENOSYS from system calls that are newer than this list. Calls of another architecture
 * kill it, where this one is known by name; elsewhere they are not held off. Needs
 * PR_SET_NO_NEW_PRIVS. 0 or negative errno: then nothing is filtered.
 */
int syscall_filter_install(void);

struct sock_filter;

enum { SYSCALL_FILTER_LONGEST = 290 };

/*
 * What that installs, of this process: the number of instructions put in CODE, which has room
 * for SYSCALL_FILTER_LONGEST. What it says can be asked where no kernel takes it, as by qemu-user.
 */
unsigned short syscall_filter_make(struct sock_filter *code);

#endif
