/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check-input.h"

void input_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void input_open(const char *path, struct input *ret)
{
	/* O_NONBLOCK: a FIFO must not hold us up. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	*ret = (struct input){ .fd = fd < 0 ? -errno : fd };
	ret->is_dir = fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

void input_close(struct input *input)
{
	if (input->fd >= 0)
		close(input->fd);
	input->fd = -EBADF;
}

int input_take(const char *path, struct input *input)
{
	if (input->fd == -EMFILE)
		input_open(path, input);
	return input->fd;
}
