/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program to be measured: bench-prog DATA MODE [FILE [N]]. Touches every eighth page of
 * DATA, each by a fault of its own, then does as MODE says. Every run adds a byte to FILE.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile char sink;

static void touch(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *map;

	if (fd < 0 || fstat(fd, &st) < 0)
		exit(50);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED || madvise(map, (size_t)st.st_size, MADV_RANDOM) < 0)
		exit(51);
	for (off_t i = 0; i < st.st_size; i += 8 * 4096)
		sink = map[i];
	close(fd); /* the mapping stays */
}

/* Which run this is, from 1. */
static long count_run(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	struct stat st;

	if (fd < 0 || write(fd, "x", 1) != 1 || fstat(fd, &st) < 0)
		exit(52);
	close(fd);
	return (long)st.st_size;
}

static void write_pid(const char *path)
{
	char text[32];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		exit(53);
	close(fd);
}

/* With a child in the same group that ignores what it can. */
static void hang(const char *path)
{
	if (fork() == 0)
		signal(SIGTERM, SIG_IGN);
	write_pid(path);
	for (;;)
		pause();
}

static void leave_daemon(const char *path)
{
	int pipes[2];
	char byte;

	if (pipe(pipes) < 0)
		exit(58);
	if (fork() > 0) {
		/* Before it has left the group it would be ended with it. */
		close(pipes[1]);
		sink = (char)read(pipes[0], &byte, 1);
		return;
	}
	setsid();
	write_pid(path);
	close(pipes[0]);
	close(pipes[1]);
	alarm(120); /* whatever becomes of the test */
	for (;;)
		pause();
}

/* A prompt, so that who answers knows when. */
static int ask(void)
{
	char line[16];

	return write(1, "more? ", 6) == 6 && read(0, line, sizeof(line)) > 0 &&
			       write(1, "got it\n", 7) == 7
		       ? 0
		       : 55;
}

static void fault_a_lot(void)
{
	char *p = malloc(40000 * 4096l);

	for (long i = 0; p && i < 40000; i++)
		p[i * 4096] = 1;
	sink = p ? p[4096] : 0;
}

int main(int argc, char *argv[])
{
	const char *mode = argc > 2 ? argv[2] : "", *file = argc > 3 ? argv[3] : "";
	long n = argc > 4 ? atol(argv[4]) : 0, run;
	char line[16];

	if (argc < 3)
		return 54;
	touch(argv[1]);
	if (strcmp(mode, "hang") == 0)
		hang(file);
	if (strcmp(mode, "hold") == 0) {
		write_pid(file);
		pause();
	}
	if (strcmp(mode, "daemon") == 0)
		leave_daemon(file);
	if (strcmp(mode, "ask") == 0)
		return ask();
	if (strcmp(mode, "output") == 0)
		return write(1, "output\n", 7) == 7 && write(2, "output\n", 7) == 7 &&
				       read(0, line, 1) == 0
			       ? 0
			       : 56;
	run = *file && strcmp(mode, "daemon") != 0 ? count_run(file) : 0;
	if (strcmp(mode, "fail") == 0 && run >= n)
		return 3;
	if (strcmp(mode, "crash") == 0 && run >= n)
		kill(getpid(), SIGSEGV);
	if (strcmp(mode, "vary") == 0 && run >= n)
		fault_a_lot();
	if (strcmp(mode, "change") == 0 && run >= n)
		return truncate(argv[1], 8 * 4096) < 0 ? 57 : 0;
	return 0;
}
