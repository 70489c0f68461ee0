/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "macro.h"
#include "traced-calls.h"

#define CURRENT_POSITION UINT64_MAX
#define MAX_READ_BYTES	 (((uint64_t)1 << 31) - PAGE_BYTES) /* MAX_RW_COUNT */

struct read_request {
	int fd;
	uint64_t off;	   /* CURRENT_POSITION: where the descriptor stands */
	uint64_t off_addr; /* 0: none */
	uint64_t bytes;	   /* at most */
};

int traced_fd_info(pid_t tid, int fd, int *ret_flags, uint64_t *ret_pos)
{
	char path[64], text[512], *field;
	_cleanup_close_ int info = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", tid, fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -errno;
	n = read(info, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = 0;
	/* "pos:\t0\nflags:\t0100000\n…" */
	if (strncmp(text, "pos:", 4) != 0)
		return -EBADMSG;
	if (ret_pos)
		*ret_pos = strtoull(text + 4, NULL, 10);
	field = strstr(text, "\nflags:");
	if (!field)
		return -EBADMSG;
	if (ret_flags)
		*ret_flags = (int)strtoul(field + 7, NULL, 8);
	return 0;
}

static bool decode(const struct tracee_call *call, struct read_request *ret)
{
	const uint64_t *a = call->args;

	*ret = (struct read_request){
		.fd = (int)a[0],
		.off = CURRENT_POSITION,
		.bytes = MAX_READ_BYTES,
	};
	switch (call->nr) {
	case __NR_readv:
		return true;
	case __NR_preadv:
	case __NR_preadv2: /* for which -1 is where the descriptor stands */
		ret->off = a[3];
		return true;
	case __NR_sendfile:
		ret->fd = (int)a[1];
		ret->off_addr = a[2];
		return true;
	case __NR_copy_file_range:
	case __NR_splice:
		ret->off_addr = a[1];
		return true;
	default:
		return false;
	}
}

void traced_read_asked(struct traced_files *files, pid_t tid,
		       const struct tracee_call *call, uint32_t when)
{
	int fd = (int)call->args[0], flags;
	struct traced_file *file = traced_files_by_fd(files, tid, fd);
	uint64_t off;

	if (!file || traced_file_is_full(file) || traced_fd_info(tid, fd, &flags, &off) < 0)
		return;
	/* O_PATH has access mode 0. */
	if ((flags & O_ACCMODE) == O_WRONLY || flags & O_PATH)
		return;
	if (call->nr == __NR_pread64)
		off = call->args[3];
	traced_file_mark_bytes(file, off, MIN(call->args[2], MAX_READ_BYTES), when);
}

bool traced_read_begin(struct traced_files *files, pid_t tid,
		       const struct tracee_call *call, struct traced_read *ret)
{
	struct read_request q;

	if (!decode(call, &q))
		return false;
	*ret = (struct traced_read){
		.file = traced_files_by_fd(files, tid, q.fd),
		.off = q.off,
		.off_addr = q.off_addr,
	};
	if (!ret->file)
		return false;
	if (q.off_addr)
		return !traced_file_is_full(ret->file);
	if (q.off == CURRENT_POSITION && traced_fd_info(tid, q.fd, NULL, &ret->off) < 0)
		return false;
	return traced_file_lacks_bytes(ret->file, ret->off, q.bytes);
}

void traced_read_end(const struct traced_read *read, pid_t tid, int pagemap, int64_t result,
		     uint32_t when)
{
	uint64_t off = read->off;

	if (result <= 0)
		return;
	if (read->off_addr) {
		if (tracee_read_present(tid, pagemap, read->off_addr, &off, sizeof(off)) <
		    0)
			return;
		off -= (uint64_t)result;
	}
	traced_file_mark_bytes(read->file, off, (uint64_t)result, when);
}

/* ---- paths ---- */

static struct traced_path at_path(uint64_t dirfd, uint64_t addr, bool followed)
{
	return (struct traced_path){ .addr = addr,
				     .dirfd = (int)dirfd,
				     .how = followed ? ASKED_FOLLOWED : 0 };
}

static bool decode_path(const struct tracee_call *call, struct traced_path *ret)
{
	const uint64_t *a = call->args, here = (uint64_t)AT_FDCWD;

	switch (call->nr) {
	case __NR_openat:
		*ret = at_path(a[0], a[1], !(a[2] & O_NOFOLLOW));
		return true;
	case __NR_openat2: /* flags are in memory */
	case __NR_faccessat:
		*ret = at_path(a[0], a[1], true);
		return true;
#ifdef __NR_newfstatat
	case __NR_newfstatat:
#endif
	case __NR_faccessat2:
		*ret = at_path(a[0], a[1], !(a[3] & AT_SYMLINK_NOFOLLOW));
		return true;
	case __NR_statx:
		*ret = at_path(a[0], a[1], !(a[2] & AT_SYMLINK_NOFOLLOW));
		return true;
	case __NR_readlinkat:
		*ret = at_path(a[0], a[1], false);
		return true;
	case __NR_execveat:
		*ret = at_path(a[0], a[1], !(a[4] & AT_SYMLINK_NOFOLLOW));
		ret->how |= ASKED_EXECUTED;
		return true;
	case __NR_execve:
		*ret = at_path(here, a[0], true);
		ret->how |= ASKED_EXECUTED;
		return true;
	case __NR_chdir:
		*ret = at_path(here, a[0], true);
		return true;
#ifdef __NR_open
	case __NR_open:
		*ret = at_path(here, a[0], !(a[1] & O_NOFOLLOW));
		return true;
	case __NR_stat:
	case __NR_access:
		*ret = at_path(here, a[0], true);
		return true;
	case __NR_lstat:
	case __NR_readlink:
		*ret = at_path(here, a[0], false);
		return true;
#endif
	default:
		return false;
	}
}

/* Where relative paths of TID start: the path of a descriptor, or of its directory. */
static int read_dir(pid_t tid, int dirfd, char ret[static PATH_MAX])
{
	char proc[64];
	ssize_t n;

	if (dirfd == AT_FDCWD)
		snprintf(proc, sizeof(proc), "/proc/%d/cwd", tid);
	else
		snprintf(proc, sizeof(proc), "/proc/%d/fd/%d", tid, dirfd);
	n = readlink(proc, ret, PATH_MAX - 1);
	if (n <= 0 || ret[0] != '/')
		return -ENOENT;
	ret[n] = 0;
	return 0;
}

static bool is_pseudo(const char *path)
{
	return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0 ||
	       strncmp(path, "/dev/", 5) == 0;
}

/*
 * Where it is mounted now is looked at now, by its text: what the launch mounts itself may be gone
 * when it has ended, and the names with it.
 */
static void add_path(struct asked_paths *asked, struct traced_files *files,
		     const char *path, unsigned how)
{
	if (!asked_paths_add(asked, path, how))
		return;
	traced_files_follow_mounts(files);
	if (!traced_files_path_counts(files, path))
		asked_paths_add(asked, path, ASKED_ELSEWHERE);
}

static void note_path(struct asked_paths *asked, struct traced_files *files, pid_t tid,
		      const struct traced_path *p, const char *text)
{
	char dir[PATH_MAX], path[2 * PATH_MAX];

	if (!*text || is_pseudo(text))
		return;
	if (*text == '/') {
		add_path(asked, files, text, p->how);
		return;
	}
	if (read_dir(tid, p->dirfd, dir) < 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, text);
	if (!is_pseudo(path))
		add_path(asked, files, path, p->how);
}

char *traced_executed_path(pid_t tid, int pagemap, const struct tracee_call *call)
{
	char text[PATH_MAX], dir[PATH_MAX], *path;
	struct traced_path p;

	if (!decode_path(call, &p) ||
	    tracee_read_string(tid, pagemap, p.addr, text, sizeof(text)) < 0 || !*text)
		return NULL;
	if (*text == '/')
		return strdup(text);
	if (read_dir(tid, p.dirfd, dir) < 0 || asprintf(&path, "%s/%s", dir, text) < 0)
		return NULL;
	return path;
}

static void note_listing(struct asked_paths *asked, struct traced_files *files, pid_t tid,
			 int fd)
{
	char dir[PATH_MAX];

	if (fd != AT_FDCWD && read_dir(tid, fd, dir) == 0 && !is_pseudo(dir))
		add_path(asked, files, dir, ASKED_LISTED);
}

bool traced_path_begin(struct asked_paths *asked, struct traced_files *files, pid_t tid,
		       int pagemap, const struct tracee_call *call, struct traced_path *ret)
{
	char text[PATH_MAX];
	int r;

	if (call->nr == __NR_getdents64)
		note_listing(asked, files, tid, (int)call->args[0]);
	if (!decode_path(call, ret))
		return false;
	r = tracee_read_string(tid, pagemap, ret->addr, text, sizeof(text));
	if (r == 0)
		note_path(asked, files, tid, ret, text);
	return r == -EAGAIN;
}

void traced_path_end(struct asked_paths *asked, struct traced_files *files, pid_t tid,
		     int pagemap, const struct traced_path *path)
{
	char text[PATH_MAX];

	if (tracee_read_string(tid, pagemap, path->addr, text, sizeof(text)) == 0)
		note_path(asked, files, tid, path, text);
}

bool traced_paths_are_ours(pid_t tid)
{
	char proc[64], root[8];
	struct stat ours, its;

	snprintf(proc, sizeof(proc), "/proc/%d/root", tid);
	if (readlink(proc, root, sizeof(root)) != 1)
		return false;
	snprintf(proc, sizeof(proc), "/proc/%d/ns/mnt", tid);
	return stat(proc, &its) == 0 && stat("/proc/self/ns/mnt", &ours) == 0 &&
	       its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}
