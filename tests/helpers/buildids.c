/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buildids FILE...: what buildid_read() and libelf find, one line per file:
 * PREAD LIBELF PATH, each an id in hex or a negative errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "buildid.h"
#include "libelf-buildid.h"
#include "macro.h"

static void print(int r, const struct buildid *b)
{
	char hex[BUILDID_HEX_BYTES];

	if (r < 0) {
		printf("%d ", r);
		return;
	}
	buildid_to_hex(b, hex);
	printf("%s ", hex);
}

int main(int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		_cleanup_close_ int fd = open(argv[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		struct buildid small, big;
		int r;

		if (fd < 0) {
			perror(argv[i]);
			return 1;
		}
		r = buildid_read(fd, &small);
		print(r, &small);
		r = libelf_buildid(fd, &big);
		print(r, &big);
		puts(argv[i]);
	}
	return 0;
}
