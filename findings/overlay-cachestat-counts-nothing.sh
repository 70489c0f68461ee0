#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cachestat(2) of a file on overlayfs counts no page, though all are in memory and mincore(2) through the
# same descriptor says so: the pages are the lower file's, and cachestat asks the upper inode.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
mkdir -p lower upper work merged
head -c 1M /dev/urandom >lower/file
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged || cannot "no overlayfs here"
later "umount $T/merged"
program ask <<'C'
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	static char buffer[1 << 20];
	uint64_t range[2] = { 0, 1 << 20 }, stat[5] = { 0 };
	unsigned char v[256];
	int fd = open(argv[argc - 1], O_RDONLY), n = 0;
	void *p = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 0);

	if (read(fd, buffer, sizeof(buffer)) != sizeof(buffer) || mincore(p, 1 << 20, v) != 0)
		return 1;
	for (int i = 0; i < 256; i++)
		n += v[i] & 1;
	if (syscall(451, fd, range, stat, 0) != 0) /* cachestat, Linux 6.5 */
		return 1;
	printf("mincore %d pages, cachestat %d\n", n, (int)stat[0]);
	return 0;
}
C
seen "$(kernel), overlayfs" "1 MiB read, then asked for" "mincore 256 pages, cachestat 0" \
	"$("$T/ask" "$T/merged/file" || echo "no cachestat here")"
