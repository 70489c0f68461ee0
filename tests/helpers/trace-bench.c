/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much recording slows a launch: the command plain and recorded in turn, N pairs. One
 * line: medians in ms (plain, recorded), median of the ratios of the pairs; the same of the launch
 * alone, from its execution to its end, without what comes before and after it; processes,
 * objects, pages, processes not recorded exactly, stops of the launch and calls that were announced. -l: what it
 * looks up is recorded, too. -p, -e: by page tables, at the end of processes alone.
 * Usage: trace-bench [-n N] [-w WINDOW_MS] [-l] [-p|-e] NAME PROGRAM [ARG...]
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "trace.h"

#define MAX_PAIRS 1000

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double run_plain(char *argv[])
{
	posix_spawn_file_actions_t null;
	double start = now_ms();
	pid_t pid;

	posix_spawn_file_actions_init(&null);
	posix_spawn_file_actions_addopen(&null, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&null, 0, 1);
	posix_spawn_file_actions_adddup2(&null, 0, 2);
	if (posix_spawn(&pid, argv[0], &null, NULL, argv, environ) != 0)
		exit(1);
	waitpid(pid, NULL, 0);
	posix_spawn_file_actions_destroy(&null);
	return now_ms() - start;
}

static double run_recorded(char *argv[], const struct trace_options *options,
			   struct trace_result *ret)
{
	double start = now_ms();

	if (trace_launch(argv[0], argv, options, ret) < 0)
		exit(1);
	return now_ms() - start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static unsigned long count_pages(const struct trace_result *r)
{
	unsigned long n = 0;

	for (size_t i = 0; i < r->n_objects; i++)
		for (uint32_t k = 0; k < r->objects[i].n_pages; k++)
			n += r->objects[i].when[k] != 0;
	return n;
}

int main(int argc, char *argv[])
{
	static double plain[MAX_PAIRS], recorded[MAX_PAIRS], ratio[MAX_PAIRS],
		launch[MAX_PAIRS], launch_ratio[MAX_PAIRS];
	struct trace_result r = { 0 };
	struct trace_options options = { .window_ms = 60000 };
	int n = 21, c;

	while ((c = getopt(argc, argv, "+n:w:lpe")) != -1) {
		if (c == 'n')
			n = atoi(optarg);
		else if (c == 'w')
			options.window_ms = (unsigned)atoi(optarg);
		else if (c == 'l')
			options.lookups = true;
		else if (c == 'p')
			options.method = TRACE_PAGEMAP;
		else if (c == 'e')
			options.method = TRACE_EXIT;
	}
	if (argc - optind < 2 || n < 1 || n > MAX_PAIRS)
		return 2;
	argv += optind;
	run_plain(argv + 1); /* into the cache */
	for (int i = 0; i < n; i++) {
		trace_result_done(&r);
		plain[i] = run_plain(argv + 1);
		recorded[i] = run_recorded(argv + 1, &options, &r);
		ratio[i] = recorded[i] / plain[i];
		launch[i] = (double)r.elapsed_us / 1e3;
		launch_ratio[i] = launch[i] / plain[i];
	}
	printf("%-12s %9.1f %9.1f %7.2f %9.1f %7.2f %6u %8zu %8lu %7u %6u %10u\n", argv[0],
	       median(plain, n), median(recorded, n), median(ratio, n), median(launch, n),
	       median(launch_ratio, n), r.n_processes, r.n_objects, count_pages(&r),
	       r.n_unseen, r.n_stops, r.n_announced);
	trace_result_done(&r);
	return 0;
}
