/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

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
	case __NR_read:
		ret->bytes = MIN(a[2], MAX_READ_BYTES);
		return true;
	case __NR_pread64:
		ret->bytes = MIN(a[2], MAX_READ_BYTES);
		ret->off = a[3];
		return true;
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
