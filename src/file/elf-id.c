/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <unistd.h>

#include "bounds.h"
#include "elf-id.h"
#include "hash.h"

static int make_id(int fd, struct buildid *ret)
{
	uint8_t head[PAGE_BYTES], id[8];
	uint64_t hash;
	ssize_t n;

	do
		n = pread(fd, head, sizeof(head), 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -EIO : -ENOEXEC;
	hash = hash_bytes(head, (size_t)n);
	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = (uint8_t)(hash >> (56 - 8 * i));
	return buildid_from_bytes(id, sizeof(id), ret) < 0 ? -EINVAL : 1;
}

int elf_id_read(int fd, struct buildid *ret)
{
	int r = buildid_read(fd, ret);

	return r == -ENOENT ? make_id(fd, ret) : r;
}
