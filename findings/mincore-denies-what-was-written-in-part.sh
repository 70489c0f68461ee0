#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mincore(2) says of a page that was just written, and is in memory, that it is not, where the file
# system's blocks are smaller than pages and not all of its blocks are known: as with pages of 16
# KiB on any ext4. cachestat(2) counts it. Once another part of it has been read, both agree; reading
# what was written changes nothing.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
loop 64M mkfs.ext4 -q -F -b 1024
program ask <<'C'
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static void tell(const char *when, int fd, void *p)
{
	uint64_t range[2] = { 0, 4096 }, stat[5] = { 0 };
	unsigned char v = 0;

	mincore(p, 4096, &v);
	syscall(451, fd, range, stat, 0);
	printf("%s: mincore %d, cachestat %d", when, v & 1, (int)stat[0]);
}
int main(int argc, char **argv)
{
	int fd = open(argv[argc - 1], O_RDWR | O_CREAT, 0600);
	char byte;
	void *p;

	ftruncate(fd, 4096);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	pwrite(fd, "x", 1, 2000);
	tell("written", fd, p);
	pread(fd, &byte, 1, 2000);
	tell("; that read", fd, p);
	pread(fd, &byte, 1, 0);
	tell("; another read", fd, p);
	return 0;
}
C
seen "$(kernel), ext4 with blocks of 1 KiB" "one byte of a page written, that byte read, another one read" \
	"written: mincore 0, cachestat 1; that read: mincore 0, cachestat 1; another read: mincore 1, cachestat 1" "$("$T/ask" "$T/mnt/file")"
