/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exec-at FLAGS FILE: execveat() of FILE. Prints what it failed with, as a number, or 0 when it
 * came back without an error: FLAGS 0x10000 (AT_EXECVE_CHECK, Linux 6.14) only asks whether
 * FILE may be executed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	int error = 0;

	if (argc != 3)
		return 2;
	if (syscall(SYS_execveat, AT_FDCWD, argv[2], argv + 2, environ,
		    strtol(argv[1], NULL, 0)) < 0)
		error = errno;
	printf("%d\n", error);
	return EXIT_SUCCESS;
}
