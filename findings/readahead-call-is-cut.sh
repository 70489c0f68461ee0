#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# readahead(2) over 8 MiB returns 0 and brings in a part only: at most max(read_ahead_kb, largest
# request) a call, without a word. The manual page names no such bound.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
loop 64M mkfs.ext4 -q -F
head -c 8M /dev/urandom >"$T/mnt/file"
umount "$T/mnt"
undo=("${undo[@]:0:1}")
mount_loop
q=/sys/block/${device#/dev/}/queue
echo 128 >"$q/max_sectors_kb"
echo 128 >"$q/read_ahead_kb"
program call <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int fd = open(argv[argc - 1], O_RDONLY), r, n = 0, last = -1;
	unsigned char *v = malloc(2048);
	void *p = mmap(NULL, 8 << 20, PROT_READ, MAP_SHARED, fd, 0);

	r = (int)readahead(fd, 0, 8 << 20);
	for (int i = 0; i < 200 && n != last; i++) { /* until nothing more arrives */
		last = n;
		usleep(20000);
		mincore(p, 8 << 20, v);
		for (n = 0; n < 2048 && v[n] & 1; n++)
			;
	}
	printf("returned %d, %s\n", r, n < 2048 ? "a part has come" : "all has come");
	return 0;
}
C
seen "$(kernel), ext4" "readahead(fd, 0, 8 MiB), read_ahead_kb and max_sectors_kb 128" \
	"returned 0, a part has come" "$("$T/call" "$T/mnt/file")"
