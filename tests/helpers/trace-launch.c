/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Record one launch and print it: a line per object "PATH FIRST-LAST ...", then lines that
 * start with '#'. Pages are the processor's; of one with '~' behind it not all of the 4096-byte
 * pages are recorded, as where read() asked for less. Usage: trace-launch [-p|-e] [-w WINDOW_MS] [-t] [-k] PROGRAM [ARG...]
 * -p: without userfaultfd; -e: page tables at the end of processes alone; -t: the time bucket of each page too; -s: what the whole system
 * reads while PROGRAM runs, which is started when recording has begun; -l: a light recording;
 * -b: what is busy with another recording is not waited for; -k: lookups, too, "? DIR NAME" each,
 * "? DIR/" where it was listed. With -s "# large PATH N" says how many of its pages lie in large folios,
 * and "# all-large N" what the recording says of all together, those that others use too.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bounds.h"
#include "large-folios.h"
#include "macro.h"
#include "trace-system.h"
#include "trace.h"

#define BUSY_TRIES 1200 /* of a tenth of a second */

static bool arg_buckets, arg_busy_fails, arg_lookups;

struct native_page {
	unsigned when; /* as in the object; 0: not touched */
	bool in_part;
};

static struct native_page native_page(const struct trace_object *o, uint32_t i,
				      uint32_t per)
{
	struct native_page p = { 0 };

	for (uint32_t k = i * per; k < MIN((i + 1) * per, o->n_pages); k++) {
		if (!o->when[k])
			p.in_part = true;
		else if (!p.when || o->when[k] < p.when)
			p.when = o->when[k];
	}
	return p;
}

static bool is_alike(struct native_page a, struct native_page b)
{
	return !a.when == !b.when && a.in_part == b.in_part &&
	       (!arg_buckets || a.when == b.when);
}

static void print_object(const struct trace_object *o)
{
	uint32_t per = (uint32_t)sysconf(_SC_PAGESIZE) / PAGE_BYTES;
	uint32_t n = DIV_ROUND_UP(o->n_pages, per);

	printf("%s", o->path);
	for (uint32_t i = 0, k; i < n; i = k) {
		struct native_page p = native_page(o, i, per);

		for (k = i + 1; k < n && is_alike(p, native_page(o, k, per)); k++)
			;
		if (!p.when)
			continue;
		printf(k - i > 1 ? " %u-%u" : " %u", i, k - 1);
		if (p.in_part)
			putchar('~');
		if (arg_buckets)
			printf("@%u", p.when - 1);
	}
	putchar('\n');
}

static void print_lookups(const struct lookups *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->dirs[i].listed)
			printf("? %s/\n", l->dirs[i].path);
		for (size_t k = 0; k < l->dirs[i].n; k++)
			printf("? %s %s\n", l->dirs[i].path, l->dirs[i].names[k].name);
	}
}

static void print_result(const struct trace_result *r)
{
	uint64_t n_pages = 0;

	for (size_t i = 0; i < r->n_objects; i++) {
		print_object(&r->objects[i]);
		for (uint32_t k = 0; k < r->objects[i].n_pages; k++)
			n_pages += r->objects[i].when[k] != 0;
	}
	if (arg_lookups)
		print_lookups(&r->lookups);
	printf("# method %s\n", r->method == TRACE_UFFD	  ? "uffd"
				: r->method == TRACE_EXIT ? "exit"
							  : "pagemap");
	printf("# objects %zu\n# pages %llu\n", r->n_objects, (unsigned long long)n_pages);
	printf("# processes %u\n# unseen %u\n", r->n_processes, r->n_unseen);
	printf("# stops %u\n# announced %u\n", r->n_stops, r->n_announced);
	printf("# window-ended %d\n", r->window_ended);
	if (WIFSIGNALED(r->exit_status))
		printf("# signal %d\n", WTERMSIG(r->exit_status));
	else
		printf("# exit %d\n", WEXITSTATUS(r->exit_status));
	printf("# elapsed-ms %llu\n", (unsigned long long)r->elapsed_us / 1000);
}

/* Runs ARGV while the system is recorded; its end ends the recording. */
static void start_program(void *userdata)
{
	char **argv = userdata;
	pid_t recorder = getpid(), pid;
	int status;

	if (fork() != 0)
		return;
	pid = fork();
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	kill(recorder, SIGTERM);
	_exit(0);
}

/* Of a machine one recording at a time is made; somebody else's is waited for. */
static int record_when_free(const struct trace_system_options *o, struct trace_result *ret,
			    struct trace_system_report *report)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	int r;

	for (int tries = 0; (r = trace_system(o, ret, report)) == -EBUSY &&
			    !arg_busy_fails && tries < BUSY_TRIES;
	     tries++)
		nanosleep(&pause, NULL);
	return r;
}

static int record_system(unsigned ms, bool light, char *argv[])
{
	const struct trace_system_options options = {
		.duration_ms = ms,
		.light = light,
		.on_start = start_program,
		.userdata = argv,
	};
	struct trace_system_report report;
	struct trace_result result;
	int r = record_when_free(&options, &result, &report);

	if (r < 0) {
		fprintf(stderr, "trace-launch: %s\n", strerror(-r));
		return 1;
	}
	for (size_t i = 0; i < result.n_objects; i++) {
		print_object(&result.objects[i]);
		printf("# large %s %llu\n", result.objects[i].path,
		       (unsigned long long)large_folios_count(&result.objects[i]));
	}
	printf("# method filemap\n# exact %d\n# events %llu\n# lost %llu\n", report.exact,
	       (unsigned long long)report.n_events, (unsigned long long)report.n_lost);
	printf("# unknown %llu\n# overflows %u\n# clashes %u\n# left-out %zu\n",
	       (unsigned long long)report.n_unknown, report.n_overflows, report.n_clashes,
	       report.n_left_out);
	printf("# all-large %llu\n", (unsigned long long)report.n_large);
	printf("# elapsed-ms %llu\n", (unsigned long long)result.elapsed_us / 1000);
	trace_result_done(&result);
	return 0;
}

int main(int argc, char *argv[])
{
	struct trace_options options = { .window_ms = 4000 };
	struct trace_result result;
	bool whole_system = false, light = false;
	int c, r;

	while ((c = getopt(argc, argv, "+pesblitkw:")) != -1) {
		if (c == 's')
			whole_system = true;
		else if (c == 'b')
			arg_busy_fails = true;
		else if (c == 'l')
			light = true;
		else if (c == 'p')
			options.method = TRACE_PAGEMAP;
		else if (c == 'e')
			options.method = TRACE_EXIT;
		else if (c == 'k')
			arg_lookups = options.lookups = true;
		else if (c == 't')
			arg_buckets = true;
		else if (c == 'i')
			options.inherit_stdio = true;
		else if (c == 'w')
			options.window_ms = (unsigned)atoi(optarg);
		else
			return 2;
	}
	if (optind >= argc)
		return 2;
	if (whole_system)
		return record_system(options.window_ms, light, argv + optind);
	r = trace_launch(argv[optind], argv + optind, &options, &result);
	if (r < 0) {
		fprintf(stderr, "trace-launch: %s\n", strerror(-r));
		return 1;
	}
	print_result(&result);
	trace_result_done(&result);
	return 0;
}
