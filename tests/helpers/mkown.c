/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mkown ROOT: notes files of ROOT's own, as a recorded boot does, from lines on stdin:
 *
 *   PATH FIRST-PAGE PAGES
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "own-files.h"

int main(int argc, char *argv[])
{
	struct own_files l = { 0 };
	struct store store;
	unsigned first, n;
	char path[4096], full[8192];
	uint8_t when[1024];

	if (argc != 2 || store_open(argv[1], false, &store) < 0)
		return 2;
	while (scanf("%4095s %u %u\n", path, &first, &n) == 3) {
		struct own_file f = { .path = path,
				      .storage = STORAGE_FLASH,
				      .n_pages = first + n,
				      .when = when };
		struct stat st;

		snprintf(full, sizeof(full), "%s%s", argv[1], path);
		if (stat(full, &st) < 0 || first + n > sizeof(when)) {
			perror(full);
			return 1;
		}
		memset(when, 0, sizeof(when));
		memset(when + first, 1, n);
		f.ino = st.st_ino;
		f.size_bytes = (uint64_t)st.st_size;
		if (own_files_add(&l, &f) < 0)
			return 1;
	}
	return own_files_put(&store, &l) == 0 ? 0 : 1;
}
