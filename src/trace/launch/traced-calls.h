/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stopped system call is going to read of which file. */
#ifndef ELFCAST_TRACED_CALLS_H
#define ELFCAST_TRACED_CALLS_H

#include "traced-files.h"
#include "tracee.h"

/*
 * If CALL of task TID is read() or a relative, mark what it asks for (not what it will get:
 * the range, clipped to the file, is what the kernel brings in). True when it was one.
 */
bool traced_call_read(struct traced_files *files, pid_t tid, const struct tracee_call *call,
		      uint32_t when);

/* Access mode and flags (O_*) of a descriptor of TID, and its position; both may be NULL. */
int traced_fd_info(pid_t tid, int fd, int *ret_flags, uint64_t *ret_pos);

#endif
