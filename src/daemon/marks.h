/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only file that knows fanotify. Notification, never permission events: an exec does not
 * wait for anybody. No capability is needed, since Linux 5.13, for groups that report file
 * handles and marks on inodes.
 *
 * What Linux 6.18 does, tried as nobody on ext4, xfs, btrfs, tmpfs, squashfs, overlay:
 * - A mark on a program's own file tells of its execs, and of no others. A mark on its
 *   directory with FAN_EVENT_ON_CHILD would wake the watcher for every exec of anything in
 *   /usr/bin: 5,000 events for 5,000 execs of a program without a profile, here none.
 *   Directories have marks for files and directories that appear in them.
 * - The group says the handle of the directory and the name under which the file was
 *   opened, also for marks on files: another hard link can be told apart.
 * - A script is opened for execution, then its interpreter, then that one's ld.so, each with
 *   its own event. They cannot be connected: without CAP_SYS_ADMIN the pid is 0.
 * - The event is sent when the file has been opened for execution. That the exec then fails
 *   (ENOEXEC, a script's interpreter is missing) nothing tells: a script that runs is read and
 *   closed at once, too. A mere check (AT_EXECVE_CHECK, Linux 6.14) is not followed by the
 *   FAN_ACCESS of the first bytes' reading. But a mark for that would wake the watcher at
 *   everybody's read() of a program, and who asks for a script runs it next: it counts.
 * - The file that a process executes is held open for it, and for its children, until the last
 *   of them ends or executes another one: then it is closed, which FAN_CLOSE_NOWRITE tells. A
 *   script is closed at once; its interpreter opens it again. Of our own opening and closing
 *   the event has our pid, also without capabilities.
 * - A btrfs subvolume (root on Fedora, openSUSE) has a file system id other than its
 *   superblock's, and a group with such a mark takes no marks of other ids: EXDEV. So there
 *   are several groups, opened when needed. A mark on a whole file system is EXDEV always.
 * - A directory that was removed says so only when the last file in it is closed; the one
 *   above says it at once. A mount tells nothing: see the mount table.
 */
#ifndef ELFCAST_MARKS_H
#define ELFCAST_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#define MARKS_HANDLE_BYTES 128 /* MAX_HANDLE_SZ */
#define MARKS_GROUPS	   16

/* A directory, however it is called; two are equal when all bytes are. */
struct dir_id {
	uint64_t fsid;
	int32_t type;
	uint32_t bytes;
	uint8_t handle[MARKS_HANDLE_BYTES]; /* zero past bytes */
};

struct marks {
	int epoll; /* borrowed: where the groups are to be waited for */
	int groups[MARKS_GROUPS];
	unsigned n_groups;
};

enum mark_event {
	MARK_EXEC = 1,	   /* a marked file was opened for execution */
	MARK_APPEARED = 2, /* a name appeared in a marked directory */
	MARK_GONE = 4,	   /* a name went, or the directory itself was moved (name ".") */
	MARK_LOST = 8,	   /* the queue was full: there were events, nobody knows which */
	MARK_OPENED = 16,  /* a timed file was opened, by somebody else than us */
	MARK_CLOSED = 32,  /* or closed: also when a process ends that was executing it */
};

/* Events may be several in one. ID and NAME are NULL for MARK_LOST alone. */
typedef void (*mark_handler)(unsigned events, const struct dir_id *id, const char *name,
			     void *userdata);

/* 0 or negative errno: -EPERM before Linux 5.13, -EMFILE: 128 groups of this user. */
int marks_open(struct marks *m, int epoll);
void marks_close(struct marks *m);
/* Take all marks away; what is queued stays. */
void marks_flush(struct marks *m);
bool marks_is_group(const struct marks *m, int fd);

int marks_identify(int dirfd, struct dir_id *ret);
/*
 * Idempotent. -ENOSPC: no more marks for this user (fs.fanotify.max_user_marks), -EACCES,
 * -EOPNOTSUPP or -ENODEV: this file system has no file handles, -ENOENT, ...
 */
int marks_add_directory(struct marks *m, int dirfd);
int marks_add_file(struct marks *m, int dirfd, const char *name);
/* Whether a file with such a mark is timed: MARK_OPENED, MARK_CLOSED. Not marked: nothing happens. */
void marks_time_file(struct marks *m, int dirfd, const char *name, bool on);

/* One read(): as many events as fit. 1; 0: there are none; or negative errno. */
int marks_read(int group, mark_handler handler, void *userdata);

#endif
