/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hangfs DIR: a FUSE file system whose server never answers: whoever looks up a name below
 * DIR sleeps. Prints "ready", then waits to be ended; that aborts the connection and wakes
 * the sleepers. The caller unmounts DIR. Exit status 77: no FUSE here.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];

	if (argc != 2 || fd < 0)
		return 77;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=0,group_id=0", fd);
	if (mount("hangfs", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		return 77;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
