#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One madvise(MADV_WILLNEED) over mappings of several files that lie side by side in memory holds all of
# their requests back until its end: pieces that are neighbours on the disk become one request, across the files.
# The same files asked for one by one, with as many calls, are as many requests.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
loop 64M mkfs.ext4 -q -b 4096 -O ^has_journal
program ask <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int together = argv[1][0] == 't', n = argc - 2;
	char *at = mmap(NULL, (size_t)n * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < n; i++) {
		int fd = open(argv[2 + i], O_RDONLY);

		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
		if (mmap(at + i * 4096, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			return 1;
		close(fd);
	}
	if (together)
		return madvise(at, (size_t)n * 4096, MADV_WILLNEED) != 0;
	for (int i = 0; i < n; i++)
		if (madvise(at + i * 4096, 4096, MADV_WILLNEED))
			return 1;
	return 0;
}
C
for i in 1 2 3 4 5 6 7 8; do head -c 4096 /dev/urandom >"$T/mnt/$i"; done
sync -f "$T/mnt"
first=$(filefrag -v "$T/mnt/1" | awk '$1 == "0:" { print $4 + 0 }')
last=$(filefrag -v "$T/mnt/8" | awk '$1 == "0:" { print $4 + 0 }')
[ $((last - first)) = 7 ] || cannot "the file system did not put the files side by side"
requests() { # HOW: read requests that the device has completed for it
	local before after
	stat "$T"/mnt/* >/dev/null
	before=$(awk '{ print $1 }' "/sys/block/${device#/dev/}/stat")
	"$T/ask" "$1" "$T"/mnt/[1-8] || cannot "madvise failed"
	for f in "$T"/mnt/[1-8]; do cat "$f" >/dev/null; done
	after=$(awk '{ print $1 }' "/sys/block/${device#/dev/}/stat")
	echo $((after - before))
}
seen "$(kernel)" "eight files of a page, neighbours on the disk, asked for together; one by one" \
	"1 request; 8 requests" "$(requests together) request; $(requests single) requests"
