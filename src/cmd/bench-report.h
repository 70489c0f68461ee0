/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What bench says: a table and a verdict for people, or JSON; and why it cannot. */
#ifndef ELFCAST_BENCH_REPORT_H
#define ELFCAST_BENCH_REPORT_H

#include "bench-rounds.h"

struct bench_report {
	const struct bench *bench;
	const char *program; /* canonical */
	unsigned n_rounds_wanted;
};

/* One line; RET is "" without a problem. */
void bench_report_problem(const struct bench_report *r, char *ret, size_t bytes);

/* Of the complete rounds. 0 or -ENOMEM. */
int bench_report_print(const struct bench_report *r);
int bench_report_print_json(const struct bench_report *r);

#endif
