/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "embedded-block.h"
#include "embedded-launched.h"
#include "io.h"
#include "launch-counts.h"
#include "macro.h"

/* Heaviest first; else by name, so that equal input makes equal output. */
static int compare_weights(const void *pa, const void *pb)
{
	const struct launch_count *a = pa, *b = pb;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return strcmp(a->program, b->program);
}

static bool brings_profile(const struct store *s, const char *program)
{
	_cleanup_close_ int path_fd = -1, fd = -1;
	struct embedded e;
	struct stat st;
	int r;

	path_fd = io_open_path(s->rootfd, program, &st);
	if (path_fd < 0 || !store_is_trusted(s, &st))
		return false;
	fd = io_reopen_read(path_fd);
	r = fd < 0 ? fd : embedded_find(fd, &e);
	return r == -EBADMSG || (r == 0 && !e.is_empty);
}

int embedded_find_launched(const struct store *s, const struct name_list *known,
			   struct name_list *ret)
{
	struct launch_counts launches;
	size_t n_looked = 0;
	int r = 0;

	/* What cannot be used is as good as none. */
	if (launch_counts_load(s, &launches) < 0)
		return 0;
	if (launches.n > 0)
		qsort(launches.items, launches.n, sizeof(*launches.items), compare_weights);
	for (size_t i = 0; r == 0 && i < launches.n && n_looked < LIMIT_EMBEDDED_PROGRAMS;
	     i++) {
		const char *program = launches.items[i].program;

		if (name_list_has(known, program))
			continue;
		n_looked++;
		if (brings_profile(s, program))
			r = name_list_add(ret, program);
	}
	launch_counts_done(&launches);
	return r;
}
