/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What boot prefetchers did that record the page cache: LIST, lab-mincore's output, is read
 * ahead file by file from "/", by THREADS, while COMMAND goes on as this process. Shares no code
 * with elfcast. Lines of a path follow each other. At the end the file DONE is made.
 *
 * Usage: lab-replay LIST THREADS DONE COMMAND...
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096

struct run {
	char *path; /* NULL: that of the run before */
	unsigned long first, n;
};

static struct run *runs;
static size_t n_runs, capacity, next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void load(const char *list)
{
	char path[4096], before[4096] = "";
	struct run r = { 0 };
	FILE *f = fopen(list, "re");

	if (!f)
		die(list);
	while (fscanf(f, "%lu %lu %4095[^\n]", &r.first, &r.n, path) == 3) {
		if (n_runs == capacity) {
			capacity = capacity ? capacity * 2 : 1024;
			runs = realloc(runs, capacity * sizeof(*runs));
		}
		r.path = strcmp(path, before) == 0 ? NULL : strdup(path);
		if (!runs || (!r.path && strcmp(path, before) != 0))
			die("memory");
		runs[n_runs++] = r;
		strcpy(before, path);
	}
	fclose(f);
}

/* The runs of one file: [first, end). */
static size_t take_file(size_t *ret_end)
{
	size_t first;

	pthread_mutex_lock(&lock);
	first = next;
	if (next < n_runs)
		next++;
	while (next < n_runs && !runs[next].path)
		next++;
	*ret_end = next;
	pthread_mutex_unlock(&lock);
	return first;
}

static void *replay(void *unused)
{
	size_t end;

	for (size_t i = take_file(&end); i < end; i = take_file(&end)) {
		int fd = open(runs[i].path, O_RDONLY | O_NOATIME | O_CLOEXEC);

		for (; fd >= 0 && i < end; i++)
			posix_fadvise(fd, (off_t)runs[i].first * PAGE,
				      (off_t)runs[i].n * PAGE, POSIX_FADV_WILLNEED);
		if (fd >= 0)
			close(fd);
	}
	return unused;
}

int main(int argc, char *argv[])
{
	pthread_t threads[16];
	int n;

	if (argc < 5 || (n = atoi(argv[2])) < 1 || n > 16) {
		fputs("usage: lab-replay LIST THREADS DONE COMMAND...\n", stderr);
		return 2;
	}
	if (fork() != 0) {
		execv(argv[4], argv + 4);
		die(argv[4]);
	}
	setsid();
	load(argv[1]);
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, replay, NULL) != 0)
			die("thread");
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	close(open(argv[3], O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	return 0;
}
