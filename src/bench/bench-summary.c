/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "bench-summary.h"
#include "macro.h"

static double launch_ms(const struct bench_sample *s)
{
	return (double)s->launch.wall_us / 1000;
}

static double major(const struct bench_sample *s)
{
	return (double)s->launch.n_major;
}

static double minor(const struct bench_sample *s)
{
	return (double)s->launch.n_minor;
}

static double requests(const struct bench_sample *s)
{
	return (double)s->reads.n_requests;
}

static double bytes(const struct bench_sample *s)
{
	return (double)s->reads.n_bytes;
}

static double kept(const struct bench_sample *s)
{
	return (double)s->n_kept;
}

static double prefetch_ms(const struct bench_sample *s)
{
	return (double)s->prefetch.elapsed_us / 1000;
}

static double prefetch_cpu_ms(const struct bench_sample *s)
{
	return (double)s->prefetcher.cpu_us / 1000;
}

static void fill(const struct bench_round *rounds, size_t n, enum bench_way way,
		 double (*of)(const struct bench_sample *), double *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = of(&rounds[i].ways[way]);
}

/* COLD and SCRATCH: room for N. COLD is filled. */
static int summarise_way(const struct bench_round *rounds, size_t n, enum bench_way way,
			 const double *cold, double *scratch, struct bench_way_summary *ret)
{
	const struct {
		double (*of)(const struct bench_sample *);
		double *median;
	} columns[] = {
		{ major, &ret->n_major },
		{ minor, &ret->n_minor },
		{ requests, &ret->n_requests },
		{ bytes, &ret->n_bytes },
		{ kept, &ret->n_kept },
		{ prefetch_ms, &ret->prefetch_ms },
		{ prefetch_cpu_ms, &ret->prefetch_cpu_ms },
	};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		fill(rounds, n, way, columns[i].of, scratch);
		r = statistics_median(scratch, n, columns[i].median);
		if (r < 0)
			return r;
	}
	fill(rounds, n, way, launch_ms, scratch);
	r = statistics_estimate(scratch, n, &ret->ms);
	if (r == 0)
		r = statistics_estimate_difference(cold, scratch, n, &ret->saves);
	if (r == 0)
		ret->verdict = bench_judge(&ret->saves, n);
	return r;
}

int bench_summarise(const struct bench_round *rounds, size_t n_rounds,
		    struct bench_summary *ret)
{
	_cleanup_free_ double *cold = malloc(n_rounds * sizeof(*cold));
	_cleanup_free_ double *scratch = malloc(n_rounds * sizeof(*scratch));
	struct bench_summary s = { 0 };

	if (!cold || !scratch)
		return -ENOMEM;
	fill(rounds, n_rounds, BENCH_COLD, launch_ms, cold);
	for (size_t way = 0; way < BENCH_WAYS; way++) {
		int r = summarise_way(rounds, n_rounds, (enum bench_way)way, cold, scratch,
				      &s.ways[way]);

		if (r < 0)
			return r;
	}
	/* read() makes requests without faults. */
	s.was_cold = s.ways[BENCH_COLD].n_major > s.ways[BENCH_WARM].n_major ||
		     s.ways[BENCH_COLD].n_requests > s.ways[BENCH_WARM].n_requests;
	*ret = s;
	return 0;
}

enum bench_verdict bench_judge(const struct estimate *saves, size_t n_rounds)
{
	if (n_rounds < STATS_N_MIN)
		return VERDICT_TOO_FEW;
	if (saves->low > 0)
		return VERDICT_GAIN;
	return saves->high < 0 ? VERDICT_LOSS : VERDICT_NO_GAIN;
}

const char *bench_verdict_name(enum bench_verdict v)
{
	static const char *const names[] = {
		[VERDICT_TOO_FEW] = "too few rounds",
		[VERDICT_GAIN] = "gain",
		[VERDICT_NO_GAIN] = "no gain",
		[VERDICT_LOSS] = "loss",
	};

	return names[v];
}
