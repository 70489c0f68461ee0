/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "bench-rounds.h"
#include "clock.h"
#include "vec.h"

/*
 * Each way once a round, and in four rounds each directly behind each other one once, so
 * that neither drift nor what a launch leaves to the next one favours any (Williams, 1949).
 */
static const enum bench_way orders[BENCH_WAYS][BENCH_WAYS] = {
	{ BENCH_COLD, BENCH_BEFORE, BENCH_WARM, BENCH_TOGETHER },
	{ BENCH_BEFORE, BENCH_TOGETHER, BENCH_COLD, BENCH_WARM },
	{ BENCH_TOGETHER, BENCH_WARM, BENCH_BEFORE, BENCH_COLD },
	{ BENCH_WARM, BENCH_COLD, BENCH_TOGETHER, BENCH_BEFORE },
};

/* -ECANCELED, so that it can be returned at once; b->problem tells. */
static int stop(struct bench *b, enum bench_problem problem, int error)
{
	b->problem = problem;
	b->error = error;
	return -ECANCELED;
}

static int check_interrupt(struct bench *b)
{
	struct pollfd p = { .fd = b->limits.interrupt_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0 ? stop(b, BENCH_INTERRUPTED, -EINTR) : 0;
}

static int stop_for(struct bench *b, int error, enum bench_problem other)
{
	if (error == -EINTR)
		return stop(b, BENCH_INTERRUPTED, error);
	return stop(b, other, error);
}

/* ---- one launch ---- */

static int judge_status(struct bench *b, int status)
{
	bool is_first = b->first_status < 0;

	b->status = status;
	if (is_first)
		b->first_status = status;
	if (status != b->first_status)
		return stop(b, BENCH_DIFFERS, 0);
	return status == 0 ? 0 : stop(b, BENCH_FAILS, 0);
}

/* A child that is neither the launch nor the prefetcher was left to us by the launch. */
static void look_for_orphans(struct bench *b)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG);
	while (pid > 0);
	if (pid == 0)
		b->leaves_processes = true;
}

static int wait_launch(struct bench *b, struct measured *m, struct measured_cost *ret)
{
	int status, r;

	r = measured_wait(m, &b->limits, ret, &status);
	if (r == -ETIMEDOUT)
		return stop(b, BENCH_HANGS, r);
	if (r < 0)
		return stop_for(b, r, BENCH_NOT_EXECUTABLE);
	return judge_status(b, status);
}

static int launch_alone(struct bench *b, struct measured_cost *ret)
{
	struct measured m;
	int r = measured_start_launch(&b->launch, &m);

	if (r < 0)
		return stop(b, BENCH_NO_PROCESS, r);
	return wait_launch(b, &m, ret);
}

static int start_prefetch(struct bench *b, bool wait, struct measured *ret)
{
	int r = measured_start_prefetch(b->list, b->store, b->mounts, b->limits.timeout_ms,
					wait, ret);

	return r < 0 ? stop(b, BENCH_NO_PROCESS, r) : 0;
}

static int wait_prefetch(struct bench *b, struct measured *m, struct bench_sample *ret)
{
	int r = measured_wait_prefetch(m, &b->limits, &ret->prefetcher, &ret->prefetch);

	return r < 0 ? stop_for(b, r, BENCH_PREFETCH_FAILS) : 0;
}

static int launch_after(struct bench *b, struct bench_sample *ret)
{
	struct measured m;
	int r;

	r = start_prefetch(b, true, &m);
	if (r == 0)
		r = wait_prefetch(b, &m, ret);
	return r < 0 ? r : launch_alone(b, &ret->launch);
}

/* As elfcast run does: nobody waits for the prefetcher but whoever measures next. */
static int launch_together(struct bench *b, struct bench_sample *ret)
{
	struct measured prefetcher, launch;
	uint64_t start_us = clock_us();
	int r;

	r = start_prefetch(b, false, &prefetcher);
	if (r < 0)
		return r;
	r = measured_start_launch(&b->launch, &launch);
	if (r < 0) {
		measured_done(&prefetcher);
		return stop(b, BENCH_NO_PROCESS, r);
	}
	/* Making the prefetcher is part of what it costs. */
	launch.start_us = start_us;
	r = wait_launch(b, &launch, &ret->launch);
	if (r < 0)
		measured_done(&prefetcher);
	else
		r = wait_prefetch(b, &prefetcher, ret);
	return r;
}

static int launch_way(struct bench *b, enum bench_way way, struct bench_sample *ret)
{
	switch (way) {
	case BENCH_BEFORE:
		return launch_after(b, ret);
	case BENCH_TOGETHER:
		return launch_together(b, ret);
	default:
		return launch_alone(b, &ret->launch);
	}
}

/* ---- rounds ---- */

static int make_cold(struct bench *b)
{
	int r = cold_files_evict(b->files, &b->path);

	if (r == 0)
		return 0;
	return stop(b, r == -ESTALE ? BENCH_FILE_CHANGED : BENCH_CANNOT_EVICT, r);
}

/* What the prefetcher asked for may still be on its way when the launch is over. */
static int settle(struct bench *b)
{
	int r = cold_files_settle(b->files, &b->path);

	if (r == 0)
		return 0;
	return stop(b, r == -ESTALE ? BENCH_FILE_CHANGED : BENCH_CANNOT_EVICT, r);
}

static void count_reads(struct bench *b, struct blockdev_reads *ret)
{
	if (b->has_reads && cold_files_count_reads(b->files, ret) < 0)
		b->has_reads = false;
}

static int measure_way(struct bench *b, enum bench_way way, struct bench_sample *ret)
{
	struct blockdev_reads before = { 0 }, after = { 0 };
	int r = 0;

	if (way != BENCH_WARM)
		r = make_cold(b);
	ret->n_kept = b->files->last.n_kept;
	if (r == 0)
		r = check_interrupt(b);
	if (r < 0)
		return r;
	count_reads(b, &before);
	r = launch_way(b, way, ret);
	if (r == 0 && way == BENCH_TOGETHER)
		r = settle(b);
	if (r < 0)
		return r;
	count_reads(b, &after);
	ret->reads.n_requests = after.n_requests - before.n_requests;
	ret->reads.n_bytes = after.n_bytes - before.n_bytes;
	look_for_orphans(b);
	return 0;
}

/*
 * Warm launches of one command touch the same pages but for address space layout and
 * threads. One that does several times the work of another is another launch.
 */
static int judge_faults(struct bench *b, const struct measured_cost *warm)
{
	enum { NOISE = 2000 }; /* faults of a dynamic linker and a small interpreter */
	uint64_t n = warm->n_minor + warm->n_major;

	b->faults_min = b->n_rounds ? MIN(b->faults_min, n) : n;
	b->faults_max = b->n_rounds ? MAX(b->faults_max, n) : n;
	if (b->faults_max / 2 > b->faults_min + NOISE / 2)
		return stop(b, BENCH_VARIES, 0);
	return 0;
}

static int run_round(struct bench *b, unsigned round)
{
	struct bench_round result = { 0 };

	b->problem_round = round;
	for (size_t i = 0; i < BENCH_WAYS; i++) {
		enum bench_way way = orders[(round - 1) % BENCH_WAYS][i];
		int r;

		b->problem_way = way;
		if (b->on_launch)
			b->on_launch(round, way);
		r = measure_way(b, way, &result.ways[way]);
		if (r < 0)
			return r;
	}
	if (judge_faults(b, &result.ways[BENCH_WARM].launch) < 0)
		return -ECANCELED;
	if (VEC_RESERVE_ONE(b->rounds, b->n_rounds, b->capacity) < 0)
		return stop(b, BENCH_NO_PROCESS, -ENOMEM);
	b->rounds[b->n_rounds++] = result;
	return 0;
}

void bench_try(struct bench *b)
{
	struct measured_cost cost;

	b->first_status = -1;
	b->has_reads = true;
	b->problem_round = 0;
	b->problem_way = BENCH_WARM;
	if (check_interrupt(b) == 0 && launch_alone(b, &cost) == 0)
		look_for_orphans(b);
}

void bench_run(struct bench *b, unsigned n_rounds)
{
	unsigned end = (unsigned)b->n_rounds + n_rounds;

	while (b->problem == BENCH_OK && b->n_rounds < end)
		run_round(b, (unsigned)b->n_rounds + 1);
}

void bench_done(struct bench *b)
{
	free(b->rounds);
	b->rounds = NULL;
	b->n_rounds = b->capacity = 0;
}

const char *bench_way_name(enum bench_way way)
{
	static const char *const names[BENCH_WAYS] = {
		[BENCH_COLD] = "cold",
		[BENCH_BEFORE] = "before",
		[BENCH_TOGETHER] = "together",
		[BENCH_WARM] = "warm",
	};

	return names[way];
}
