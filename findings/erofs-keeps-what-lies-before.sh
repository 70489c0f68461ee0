#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One page read from a compressed EROFS image with large clusters: the kernel unpacks from the cluster's
# start up to that page, keeps those pages, and throws nothing behind it into memory. Reading a file
# upwards page by page so unpacks the same bytes again and again; downwards, once.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
fetch erofs-utils=1.5-1
mkdir tree mnt
yes "elfcast reads ahead" | head -c 4M >tree/file
LD_LIBRARY_PATH=$(dirname "$(find "$T/root" -name 'liberofs*' -print -quit)") \
	"$T/root/usr/bin/mkfs.erofs" -zlz4hc -C1048576 image tree >/dev/null 2>&1 || cannot "mkfs.erofs does not run here"
device=$(losetup -f --show -r image) || cannot "no loop device"
later "losetup -d $device"
mount -t erofs -o ro "$device" mnt 2>/dev/null || cannot "no erofs here"
later "umount $T/mnt"
program ask <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	unsigned char v[1024];
	int fd = open(argv[argc - 1], O_RDONLY), before = 0, behind = 0;
	void *p = mmap(NULL, 4 << 20, PROT_READ, MAP_SHARED, fd, 0);
	char c;

	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM); /* no read-ahead */
	if (pread(fd, &c, 1, 100 * 4096) != 1 || mincore(p, 4 << 20, v) != 0)
		return 1;
	for (int i = 0; i < 1024; i++)
		*(i < 100 ? &before : &behind) += i != 100 && (v[i] & 1);
	printf("%s before it, %s behind it\n", before > 50 ? "most pages" : before ? "some pages" : "no page",
	       behind ? "some pages" : "no page");
	return 0;
}
C
seen "$(kernel), erofs-utils 1.5, lz4hc, clusters of 1 MiB" "page 100 of a file read, without read-ahead" \
	"most pages before it, no page behind it" "$("$T/ask" "$T/mnt/file")"
