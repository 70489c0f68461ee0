/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "last-dir.h"

int last_dir_of(struct last_dir *d, int rootfd, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t n;

	if (!slash)
		return -EINVAL;
	*ret_name = slash + 1;
	n = (size_t)(slash + 1 - path);
	if (d->path && strncmp(d->path, path, n) == 0 && d->path[n] == 0)
		return d->fd;
	last_dir_done(d);
	d->path = strndup(path, n);
	if (!d->path)
		return -ENOMEM;
	d->fd = io_open_path(rootfd, d->path, NULL);
	return d->fd;
}

void last_dir_done(struct last_dir *d)
{
	if (d->path && d->fd >= 0)
		close(d->fd);
	free(d->path);
	*d = (struct last_dir){ 0 };
}
