#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# preadv2() with RWF_NOWAIT is the one question that whoever may read a file may ask of the page cache (mincore(2)
# and cachestat(2) answer the owner and root): EAGAIN says that the page is not there. But it is no mere question: it has
# started reading, with the file's whole read-ahead behind it, and the same question is answered yes a moment
# later. Asked of what will be read ahead anyway, it cuts that into other requests. Only with POSIX_FADV_RANDOM it is one page.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
loop 64M mkfs.ext4 -q
head -c 16M /dev/urandom >"$T/mnt/file"
sync
program ask <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	unsigned char there[4096];
	int fd = open(argv[1], O_RDONLY), n = 0;
	void *map = mmap(NULL, 16 << 20, PROT_READ, MAP_SHARED, fd, 0);
	char byte;
	struct iovec v = { &byte, 1 };
	ssize_t r;

	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (argc > 2)
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	r = preadv2(fd, &v, 1, 0, RWF_NOWAIT);
	printf("%s, ", r < 0 && errno == EAGAIN ? "not there" : "there");
	/* Until nothing more comes. */
	for (int before = -1; n != before; usleep(200000)) {
		before = n;
		mincore(map, 16 << 20, there);
		n = 0;
		for (int i = 0; i < 4096; i++)
			n += there[i] & 1;
	}
	printf("then %s", n > 1 ? "many pages" : n == 1 ? "one page" : "nothing");
	return 0;
}
C
seen "$(kernel)" "byte 0 of a file on ext4 that is not cached, asked for with RWF_NOWAIT; and with POSIX_FADV_RANDOM" \
	"not there, then many pages; not there, then one page" \
	"$("$T/ask" "$T/mnt/file"); $("$T/ask" "$T/mnt/file" random)"
