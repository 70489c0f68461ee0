/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader of ext4. Input: number of inodes (1 byte) and their numbers (1 byte each, 255
 * is one that no small file system has), then records that fill a device of 1 MiB: offset (3
 * bytes), length (1), bytes. So that an input is small, and what it changes matters.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bounds.h"
#include "ext4.h"
#include "macro.h"

#define DEVICE_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                 \
	do {                                                                               \
		if (!(condition))                                                          \
			abort();                                                           \
	} while (0)

static int make_device(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("device", MFD_CLOEXEC);
	REQUIRE(fd >= 0 && ftruncate(fd, 0) == 0 && ftruncate(fd, DEVICE_BYTES) == 0);
	while (size > 4) {
		size_t off = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
		size_t n = MIN(data[3], size - 4);

		if (off + n <= DEVICE_BYTES)
			REQUIRE(pwrite(fd, data + 4, n, (off_t)off) == (ssize_t)n);
		data += 4 + n;
		size -= 4 + n;
	}
	return fd;
}

/* Every byte of the name, so that ASan sees one too far. */
static bool wants(const struct ext4_name *name, void *userdata)
{
	unsigned *sum = userdata;

	for (size_t i = 0; i < name->bytes; i++)
		*sum += (uint8_t)name->name[i];
	return (*sum + name->ino + name->is_link + name->is_dir) % 3 == 0;
}

static void check_error(int r)
{
	REQUIRE(r == 0 || r == -EBADMSG || r == -EINVAL || r == -E2BIG || r == -ENOTDIR);
}

static void look_at(struct ext4 *fs, uint32_t ino)
{
	struct ext4_blocks b = { 0 };
	unsigned sum = 0;

	check_error(ext4_add_inode(fs, ino, &b));
	check_error(ext4_add_tree(fs, ino, &b));
	check_error(ext4_add_directory(fs, ino, wants, &sum, &b));
	REQUIRE(b.n <= LIMIT_EXT4_RUNS);
	for (size_t i = 0; i < b.n; i++)
		REQUIRE(b.items[i].n > 0 &&
			(b.items[i].first + b.items[i].n) * fs->block_bytes <=
				DEVICE_BYTES);
	ext4_blocks_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n_inodes = size ? MIN(data[0], 16) : 0;
	struct ext4 fs;
	int fd, r;

	if (size < 1 + n_inodes)
		return 0;
	fd = make_device(data + 1 + n_inodes, size - 1 - n_inodes);
	r = ext4_open(fd, &fs);
	REQUIRE(r == 0 || r == -EBADMSG || r == -ENOTSUP);
	if (r < 0)
		return 0;
	REQUIRE(fs.size_bytes <= DEVICE_BYTES);
	for (size_t i = 0; i < n_inodes; i++)
		look_at(&fs, data[1 + i] == 255 ? UINT32_MAX : data[1 + i]);
	return 0;
}
