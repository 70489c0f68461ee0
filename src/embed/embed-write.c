/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "bounds.h"
#include "embed-write.h"
#include "io.h"
#include "le.h"
#include "macro.h"

#define PIECE_BYTES 65536u

static int copy(int from, int to, uint64_t bytes)
{
	off_t in = 0, out = 0;

	while (bytes > 0) {
		ssize_t n = copy_file_range(from, &in, to, &out, bytes, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes -= (uint64_t)n;
	}
	return 0;
}

static int write_at(int fd, uint64_t off, const void *data, size_t bytes)
{
	const uint8_t *p = data;

	while (bytes > 0) {
		ssize_t n = pwrite(fd, p, bytes, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		off += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return 0;
}

static int fill_note(int to, const struct embed_change *c)
{
	_cleanup_free_ uint8_t *room = calloc(1, c->note.room_bytes);

	if (!room)
		return -ENOMEM;
	if (c->block)
		memcpy(room, c->block, c->block_bytes);
	return write_at(to, c->note.off, room, c->note.room_bytes);
}

static int append_trailer(int to, const struct embed_change *c)
{
	uint8_t footer[EMBEDDED_FOOTER_BYTES];
	int r;

	embedded_make_footer(c->block_bytes, footer);
	r = write_at(to, c->program_bytes, c->block, c->block_bytes);
	return r < 0 ? r
		     : write_at(to, c->program_bytes + c->block_bytes, footer,
				sizeof(footer));
}

static ssize_t read_piece(int fd, uint64_t off, uint8_t *buffer, uint64_t end)
{
	ssize_t n;

	do
		n = pread(fd, buffer, MIN(end - off, (uint64_t)PIECE_BYTES), (off_t)off);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Both files from OFF to END. */
static int compare(int a, int b, uint64_t off, uint64_t end)
{
	static uint8_t x[PIECE_BYTES], y[PIECE_BYTES];

	while (off < end) {
		ssize_t n = read_piece(a, off, x, end), m = read_piece(b, off, y, end);

		if (n < 0 || m < 0)
			return (int)(n < 0 ? n : m);
		if (n == 0 || n != m || memcmp(x, y, (size_t)n) != 0)
			return -EILSEQ;
		off += (uint64_t)n;
	}
	return 0;
}

/* Capabilities and labels; where a file system has none there is nothing to keep. */
static int copy_attributes(int from, int to)
{
	_cleanup_free_ char *names = NULL, *value = malloc(XATTR_SIZE_MAX);
	ssize_t n = flistxattr(from, NULL, 0);

	if (n < 0)
		return errno == ENOTSUP ? 0 : -errno;
	names = malloc((size_t)n + 1);
	if (!names || !value)
		return -ENOMEM;
	n = flistxattr(from, names, (size_t)n);
	if (n < 0)
		return -errno;
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		ssize_t bytes = fgetxattr(from, name, value, XATTR_SIZE_MAX);

		if (bytes < 0 || fsetxattr(to, name, value, (size_t)bytes, 0) < 0)
			return -errno;
	}
	return 0;
}

/* The owner first: changing it takes set-user-ID bits and capabilities away. */
static int copy_rights(int from, int to)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return -errno;
	if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
	    fchown(to, st.st_uid, st.st_gid) < 0)
		return -errno;
	if (fchmod(to, st.st_mode & 07777) < 0)
		return -errno;
	return copy_attributes(from, to);
}

static int make(int from, const struct embed_change *c, int to)
{
	const struct embedded *n = &c->note;
	int r = copy(from, to, c->program_bytes);

	if (r == 0 && c->use_note)
		r = fill_note(to, c);
	else if (r == 0 && c->block)
		r = append_trailer(to, c);
	if (r == 0)
		r = copy_rights(from, to);
	if (r == 0 && fsync(to) < 0)
		r = -errno;
	if (r == 0)
		r = compare(from, to, 0, c->use_note ? n->off : c->program_bytes);
	if (r == 0 && c->use_note)
		r = compare(from, to, n->off + n->room_bytes, c->program_bytes);
	return r;
}

int embed_write(int fd, const struct embed_change *c, const char *path)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int to = -1;
	int r;

	if (asprintf(&temporary, "%s.elfcast-XXXXXX", path) < 0)
		return -ENOMEM;
	to = mkostemp(temporary, O_CLOEXEC);
	if (to < 0)
		return -errno;
	r = make(fd, c, to);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}
