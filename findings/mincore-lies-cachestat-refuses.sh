#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Asked by somebody who does not own a file and may not write it, mincore(2) says that every page is in
# memory (even of a file of which none is), and cachestat(2) refuses with EPERM: two calls for one
# question, with two ways of not answering.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
loop 64M mkfs.ext4 -q -F
head -c 1M /dev/urandom >"$T/mnt/file"
chmod 644 "$T/mnt/file"
umount "$T/mnt"
undo=("${undo[@]:0:1}")
mount_loop
chmod 755 "$T" "$T/mnt"
program ask <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	uint64_t range[2] = { 0, 1 << 20 }, stat[5] = { 0 };
	unsigned char v[256];
	int fd = open(argv[argc - 1], O_RDONLY), n = 0, r;
	void *p = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 0);

	if (mincore(p, 1 << 20, v) != 0)
		return 1;
	for (int i = 0; i < 256; i++)
		n += v[i] & 1;
	r = (int)syscall(451, fd, range, stat, 0);
	printf("mincore %d, cachestat %s", n, r == 0 ? "" : strerror(errno));
	printf(r == 0 ? "%d\n" : "\n", (int)stat[0]);
	return 0;
}
C
root=$("$T/ask" "$T/mnt/file")
nobody=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$T/ask" "$T/mnt/file")
seen "$(kernel), ext4" "a file of which nothing is in memory, asked for as root and as nobody" \
	"root: mincore 0, cachestat 0; nobody: mincore 256, cachestat Operation not permitted" "root: $root; nobody: $nobody"
