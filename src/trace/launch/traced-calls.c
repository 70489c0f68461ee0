/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "macro.h"
#include "traced-calls.h"

#define CURRENT_POSITION UINT64_MAX
#define MAX_VECTORS	 1024 /* UIO_MAXIOV */

struct read_request {
	int fd;
	uint64_t off, bytes; /* off CURRENT_POSITION: where the descriptor stands */
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

static uint64_t vector_bytes(pid_t tid, uint64_t addr, uint64_t count)
{
	struct iovec vectors[MAX_VECTORS];
	uint64_t bytes = 0;

	if (count > MAX_VECTORS ||
	    tracee_read(tid, addr, vectors, count * sizeof(vectors[0])) < 0)
		return 0;
	for (uint64_t i = 0; i < count; i++)
		if (__builtin_add_overflow(bytes, vectors[i].iov_len, &bytes))
			return 0;
	return bytes;
}

/* The offset at ADDR in the task, or where the descriptor stands when there is none. */
static uint64_t offset_at(pid_t tid, uint64_t addr)
{
	uint64_t off;

	return addr && tracee_read(tid, addr, &off, sizeof(off)) == 0 ? off
								      : CURRENT_POSITION;
}

static bool decode(pid_t tid, const struct tracee_call *call, struct read_request *ret)
{
	const uint64_t *a = call->args;

	*ret = (struct read_request){ .fd = (int)a[0], .off = CURRENT_POSITION };
	switch (call->nr) {
	case __NR_read:
		ret->bytes = a[2];
		return true;
	case __NR_pread64:
		ret->bytes = a[2];
		ret->off = a[3];
		return true;
	case __NR_readv:
		ret->bytes = vector_bytes(tid, a[1], a[2]);
		return true;
	case __NR_preadv:
	case __NR_preadv2: /* for which -1 is where the descriptor stands */
		ret->bytes = vector_bytes(tid, a[1], a[2]);
		ret->off = a[3];
		return true;
	case __NR_sendfile:
		ret->fd = (int)a[1];
		ret->off = offset_at(tid, a[2]);
		ret->bytes = a[3];
		return true;
	case __NR_copy_file_range:
	case __NR_splice:
		ret->off = offset_at(tid, a[1]);
		ret->bytes = a[4];
		return true;
	default:
		return false;
	}
}

bool traced_call_read(struct traced_files *files, pid_t tid, const struct tracee_call *call,
		      uint32_t when)
{
	struct read_request q;
	struct traced_file *file;

	if (!decode(tid, call, &q))
		return false;
	file = traced_files_by_fd(files, tid, q.fd);
	if (!file || traced_file_is_full(file))
		return true;
	if (q.off == CURRENT_POSITION && traced_fd_info(tid, q.fd, NULL, &q.off) < 0)
		return true;
	traced_file_mark_bytes(file, q.off, q.bytes, when);
	return true;
}
