/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <sys/ioctl.h>

#include "terminal.h"

unsigned terminal_columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return UINT_MAX;
	return size.ws_col;
}
