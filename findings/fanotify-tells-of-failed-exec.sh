#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# FAN_OPEN_EXEC comes also for an execve(2) that fails: a file that may be executed and is no program
# (ENOEXEC). Who counts events counts launches that never were.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need_root
program watch <<'C'
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY), status;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd < 0 || fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_EXEC, AT_FDCWD, argv[argc - 1]) < 0)
		return 1;
	if (fork() == 0) {
		execl(argv[argc - 1], argv[argc - 1], NULL);
		_exit(errno == ENOEXEC ? 8 : 1);
	}
	wait(&status);
	printf("execve: %s; %s\n", WEXITSTATUS(status) == 8 ? "ENOEXEC" : "another error",
	       poll(&p, 1, 0) == 1 ? "an event" : "no event");
	return 0;
}
C
echo "no program" >"$T/text"
chmod +x "$T/text"
seen "$(kernel)" "FAN_OPEN_EXEC on a text without #!, then execve" "execve: ENOEXEC; an event" "$("$T/watch" "$T/text")"
