#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel holds the file that a process executes open, and closes it when the process ends. So a watch on
# the program's own file tells that somebody who executes it has ended, without a pid, without a right to see the
# process, for any user. Children that it forked hold it too: it is closed when the last one ends. A script is closed
# at once, and opened again by its interpreter.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
program sleeper <<'C'
#include <unistd.h>
int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1 && fork() > 0)
		return 0;
	usleep(argc > 1 ? 400000 : 200000);
	return 0;
}
C
program watch <<'C'
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
int main(int argc, char **argv)
{
	int fd = inotify_init1(IN_NONBLOCK), opens = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct inotify_event e;
	long start, closed = -1;

	inotify_add_watch(fd, argv[1], IN_OPEN | IN_CLOSE_NOWRITE);
	start = now();
	if (fork() == 0) {
		execl(argv[1], argv[1], argc > 2 ? "fork" : NULL, NULL);
		_exit(1);
	}
	while (closed < 0 && poll(&p, 1, 5000) == 1)
		while (read(fd, &e, sizeof(e)) == sizeof(e)) {
			opens += (e.mask & IN_OPEN) != 0;
			if (e.mask & IN_CLOSE_NOWRITE && closed < 0)
				closed = now() - start;
		}
	wait(NULL);
	printf("%s", closed < 0 ? "not closed" : closed >= 400 ? "after the child" :
	       closed >= 200 ? "at its end" : "at once");
	return 0;
}
C
printf '#!%s\n' "$T/sleeper" >"$T/script"
chmod +x "$T/script"
seen "$(kernel)" "IN_CLOSE_NOWRITE of a program that takes 200 ms; one whose child takes 400 ms; a script" \
	"at its end; after the child; at once" \
	"$("$T/watch" "$T/sleeper"); $("$T/watch" "$T/sleeper" fork); $("$T/watch" "$T/script")"
