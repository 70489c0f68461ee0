/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_LANDLOCK_H
#define ELFCAST_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * From here on this process writes, creates, removes and executes no files but below the
 * directories open as DIRS (and executes none there). With ALONE it also has to do with
 * nobody: no TCP (Linux 6.7), no ioctl of devices (6.10), no signals to others and no abstract
 * sockets of theirs (6.12). Needs PR_SET_NO_NEW_PRIVS. False: this kernel has no Landlock
 * (5.13), or it is switched off.
 */
bool landlock_restrict(const int *dirs, size_t n, bool alone);

#endif
