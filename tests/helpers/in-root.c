/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * in-root [-p PRELOAD] ROOT COMMAND...: run it with ROOT as "/", with /proc and /dev/null,
 * in a mount namespace that goes with it. PRELOAD (a path below ROOT) is LD_PRELOAD of the
 * command alone. Needs root.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "in-root: %s: %s\n", what, strerror(errno));
	return 125;
}

static int make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : close(fd);
}

int main(int argc, char *argv[])
{
	const char *preload = NULL;

	if (argc > 2 && strcmp(argv[1], "-p") == 0) {
		preload = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: in-root [-p PRELOAD] ROOT COMMAND...\n");
		return 125;
	}
	/* A bind mount of its own: "/" is then in the mount table that the command sees. */
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(argv[1], argv[1], NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(argv[1]) < 0)
		return fail(argv[1]);
	mkdir("proc", 0755);
	mkdir("dev", 0755);
	if (make_file("dev/null") < 0 ||
	    mount("/dev/null", "dev/null", NULL, MS_BIND, NULL) < 0 ||
	    mount("proc", "proc", "proc", 0, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return fail(argv[1]);
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	execv(argv[2], argv + 2);
	return fail(argv[2]);
}
