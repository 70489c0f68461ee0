/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * residency FILE...: the runs of resident pages, one line "FILE FIRST COUNT" each, none for
 * a file that is not cached. residency --evict FILE...: drop their pages.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "macro.h"
#include "residency.h"

static int print_runs(const char *path, int fd)
{
	_cleanup_free_ uint8_t *pages = NULL;
	uint32_t n, first;
	int r;

	r = residency_read(fd, &pages, &n);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		if (!pages[i])
			continue;
		for (first = i; i < n && pages[i];)
			i++;
		printf("%s %u %u\n", path, first, i - first);
	}
	return r;
}

int main(int argc, char *argv[])
{
	bool evict = argc > 1 && strcmp(argv[1], "--evict") == 0;

	for (int i = evict ? 2 : 1; i < argc; i++) {
		_cleanup_close_ int fd = open(argv[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		int r = fd < 0 ? -1 : evict ? residency_evict(fd) : print_runs(argv[i], fd);

		if (r < 0) {
			fprintf(stderr, "residency: %s: failed\n", argv[i]);
			return 1;
		}
	}
	return 0;
}
