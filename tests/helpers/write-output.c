/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* write-output FILE TEXT: what output_file_write() makes of it, for fault-at -s. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "output-file.h"

int main(int argc, char *argv[])
{
	void *volatile heap; /* there from the start: brk(2) does not fail as others do */
	int r;

	if (argc != 3)
		return 2;
	heap = malloc(1);
	free(heap);
	signal(SIGUSR1, SIG_IGN); /* calls count from here on */
	r = output_file_write(argv[1], argv[2], strlen(argv[2]), 1000);
	if (r < 0)
		log_error("%s", output_file_error(r));
	return r < 0;
}
