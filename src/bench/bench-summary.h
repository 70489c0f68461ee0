/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the rounds of a benchmark to its answer. Pure. */
#ifndef ELFCAST_BENCH_SUMMARY_H
#define ELFCAST_BENCH_SUMMARY_H

#include "bench-rounds.h"
#include "statistics.h"

enum bench_verdict {
	VERDICT_TOO_FEW, /* below STATS_N_MIN rounds */
	VERDICT_GAIN,	 /* the whole interval is above 0 */
	VERDICT_NO_GAIN, /* it covers 0 */
	VERDICT_LOSS,	 /* the whole interval is below 0 */
};

struct bench_way_summary {
	struct estimate ms;
	/* Medians. */
	double n_major, n_minor, n_requests, n_bytes, n_kept;
	double prefetch_ms, prefetch_cpu_ms;
	/* Against cold, in ms. */
	struct estimate saves;
	enum bench_verdict verdict;
};

struct bench_summary {
	struct bench_way_summary ways[BENCH_WAYS];
	bool was_cold; /* cold launches had to read what warm ones had not */
};

/* Of N_ROUNDS rounds, at least 1. -ENOMEM. */
int bench_summarise(const struct bench_round *rounds, size_t n_rounds,
		    struct bench_summary *ret);

enum bench_verdict bench_judge(const struct estimate *saves, size_t n_rounds);
const char *bench_verdict_name(enum bench_verdict v); /* "gain", "no gain", ... */

#endif
