/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Record one launch and print it: a line per object "PATH FIRST-LAST ...", then lines that
 * start with '#'. Usage: trace-launch [-p] [-w WINDOW_MS] [-t] PROGRAM [ARG...]
 * -p: without userfaultfd; -t: the time bucket of each page too.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "trace.h"

static bool arg_buckets;

static void print_object(const struct trace_object *o)
{
	printf("%s", o->path);
	for (uint32_t i = 0, k; i < o->n_pages; i = k) {
		for (k = i + 1; k < o->n_pages && !o->when[k] == !o->when[i] &&
				(!arg_buckets || o->when[k] == o->when[i]);
		     k++)
			;
		if (!o->when[i])
			continue;
		printf(k - i > 1 ? " %u-%u" : " %u", i, k - 1);
		if (arg_buckets)
			printf("@%u", o->when[i] - 1);
	}
	putchar('\n');
}

static void print_result(const struct trace_result *r)
{
	uint64_t n_pages = 0;

	for (size_t i = 0; i < r->n_objects; i++) {
		print_object(&r->objects[i]);
		for (uint32_t k = 0; k < r->objects[i].n_pages; k++)
			n_pages += r->objects[i].when[k] != 0;
	}
	printf("# method %s\n", r->method == TRACE_UFFD ? "uffd" : "pagemap");
	printf("# objects %zu\n# pages %llu\n", r->n_objects, (unsigned long long)n_pages);
	printf("# processes %u\n# unseen %u\n", r->n_processes, r->n_unseen);
	printf("# window-ended %d\n", r->window_ended);
	if (WIFSIGNALED(r->exit_status))
		printf("# signal %d\n", WTERMSIG(r->exit_status));
	else
		printf("# exit %d\n", WEXITSTATUS(r->exit_status));
	printf("# elapsed-ms %llu\n", (unsigned long long)r->elapsed_us / 1000);
}

int main(int argc, char *argv[])
{
	struct trace_options options = { .window_ms = 4000 };
	struct trace_result result;
	int c, r;

	while ((c = getopt(argc, argv, "+ptiw:")) != -1) {
		if (c == 'p')
			options.force_pagemap = true;
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
	r = trace_launch(argv[optind], argv + optind, &options, &result);
	if (r < 0) {
		fprintf(stderr, "trace-launch: %s\n", strerror(-r));
		return 1;
	}
	print_result(&result);
	trace_result_done(&result);
	return 0;
}
