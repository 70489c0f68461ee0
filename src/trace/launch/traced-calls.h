/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What system calls read of which file. Where a call stands and which descriptor it uses is
 * asked when it starts. Of read() and pread() that tells which pages: those that it asks for, as far as
 * there are any. Of others what they read is what they say when they end. The launch's memory is
 * looked at only where the kernel has just been: elsewhere it may be a page that nobody ever
 * supplies (userfaultfd, FUSE), and we would wait for it.
 */
#ifndef ELFCAST_TRACED_CALLS_H
#define ELFCAST_TRACED_CALLS_H

#include "asked-paths.h"
#include "traced-files.h"
#include "tracee.h"

struct traced_read {
	struct traced_file *file;
	uint64_t off; /* in the file; with off_addr not known yet */
	uint64_t
		off_addr; /* where the task keeps it, moved on by what was read; 0: nowhere */
};

/*
 * CALL of task TID is read() or pread(): its pages were used in bucket WHEN. Also those of one that fails since
 * they fit nowhere: by then the kernel has read them.
 */
void traced_read_asked(struct traced_files *files, pid_t tid,
		       const struct tracee_call *call, uint32_t when);
/*
 * If CALL of task TID is a relative of theirs that may need pages of a file that are not known
 * yet, its end is to be waited for.
 */
bool traced_read_begin(struct traced_files *files, pid_t tid,
		       const struct tracee_call *call, struct traced_read *ret);
/* It has returned RESULT. PAGEMAP: /proc/TID/pagemap. */
void traced_read_end(const struct traced_read *read, pid_t tid, int pagemap, int64_t result,
		     uint32_t when);

/* A call that looks up a path, whose text is not in memory yet. */
struct traced_path {
	uint64_t addr;
	int dirfd;
	unsigned how; /* ASKED_* */
};

/*
 * Note the path that CALL of TID asks for, whatever comes of it, or the directory that it lists.
 * True: the path can be read only when the call has ended, then by traced_path_end().
 */
bool traced_path_begin(struct asked_paths *asked, struct traced_files *files, pid_t tid,
		       int pagemap, const struct tracee_call *call,
		       struct traced_path *ret);
void traced_path_end(struct asked_paths *asked, struct traced_files *files, pid_t tid,
		     int pagemap, const struct traced_path *path);
/* Whether paths mean to TID what they mean to us. */
/* Which path an execve() names, absolute. New; NULL: it cannot be told. */
char *traced_executed_path(pid_t tid, int pagemap, const struct tracee_call *call);

bool traced_paths_are_ours(pid_t tid);

/* Access mode and flags (O_*) of a descriptor of TID, and its position; both may be NULL. */
int traced_fd_info(pid_t tid, int fd, int *ret_flags, uint64_t *ret_pos);

#endif
