/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One launch in four ways, in turn: cold, read ahead before, read ahead beside it, warm.
 * A launch that does not do the same each time ends it: there is nothing to average.
 */
#ifndef ELFCAST_BENCH_ROUNDS_H
#define ELFCAST_BENCH_ROUNDS_H

#include "bench-launch.h"
#include "cold-files.h"

enum bench_way { BENCH_COLD, BENCH_BEFORE, BENCH_TOGETHER, BENCH_WARM, BENCH_WAYS };

struct bench_sample {
	struct measured_cost launch;
	/* Only BEFORE and TOGETHER; the former is over when the launch starts. */
	struct measured_cost prefetcher;
	struct measured_prefetch prefetch;
	uint64_t n_kept; /* pages that eviction left; not of WARM */
	/* From its devices, launch and prefetcher together, whoever else reads included. */
	struct blockdev_reads reads;
};

struct bench_round {
	struct bench_sample ways[BENCH_WAYS];
};

/* What ended a benchmark; way and round tell where. */
enum bench_problem {
	BENCH_OK,
	BENCH_INTERRUPTED,
	BENCH_HANGS,	      /* longer than the time limit */
	BENCH_NOT_EXECUTABLE, /* error tells */
	BENCH_FAILS,	      /* status is not 0 */
	BENCH_DIFFERS,	      /* status is not that of the first run */
	BENCH_VARIES,	      /* page faults of warm runs: n_faults */
	BENCH_FILE_CHANGED,   /* path */
	BENCH_CANNOT_EVICT,   /* path, error */
	BENCH_PREFETCH_FAILS, /* error */
	BENCH_NO_PROCESS,     /* error */
};

struct bench {
	struct measured_launch launch;
	struct measured_limits limits;
	const struct launch_shadows *list;
	const struct store *store;
	const struct mounts *mounts;
	struct cold_files *files;
	/* Called before each launch; may be NULL. */
	void (*on_launch)(unsigned round, enum bench_way way);

	/* Results. */
	struct bench_round *rounds; /* complete ones; owned */
	size_t n_rounds, capacity;
	bool has_reads;	       /* bench_sample.reads is known */
	bool leaves_processes; /* the launch did, seen where the caller is a subreaper */
	int first_status;
	uint64_t faults_min, faults_max; /* of one warm launch */

	enum bench_problem problem;
	unsigned problem_round; /* from 1; 0: the trial run */
	enum bench_way problem_way;
	int error, status;
	const char *path;
};

/* A run that is not counted: whether the command does anything, and it is warm after. */
void bench_try(struct bench *b);
/* N_ROUNDS more, unless there is a problem. */
void bench_run(struct bench *b, unsigned n_rounds);
void bench_done(struct bench *b);

const char *bench_way_name(enum bench_way way); /* "cold", "before", "together", "warm" */

#endif
