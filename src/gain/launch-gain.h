/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What reading ahead at exec gains here, of one program and of all, from the log of launches; and
 * whose launches are therefore left alone. Pure.
 */
#ifndef ELFCAST_LAUNCH_GAIN_H
#define ELFCAST_LAUNCH_GAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "launch-times.h"
#include "names.h"
#include "statistics.h"

/* Fewer pairs say nothing for certain; of all programs together, twice as many. */
#define LAUNCH_GAIN_PAIRS     STATS_N_MIN
#define LAUNCH_GAIN_PAIRS_ALL (2 * STATS_N_MIN)
/* Who gains less than this at best gains nothing. */
#define LAUNCH_GAIN_PERCENT   1.0

struct launch_gain {
	size_t n_read, n_alone;	  /* launches that were timed */
	double read_ms, alone_ms; /* medians; 0: there are none; of all programs: 0 */
	size_t n_pairs;
	struct estimate percent; /* of the time alone that is saved; all 0 with no pair */
	bool is_none;		 /* enough of them say that nothing is gained */
};

/* PROGRAM NULL: all of them. 0 or -ENOMEM. */
int launch_gain_find(const struct launch_times *t, const char *program,
		     struct launch_gain *ret);

/* Whose launches are left alone. Zeros: nobody's. */
struct launch_verdicts {
	struct name_list gain, none; /* sorted: programs whose own launches say it */
	bool is_none;		     /* for all others */
};

/* What T says. 0 or -ENOMEM. */
int launch_verdicts_find(const struct launch_times *t, struct launch_verdicts *ret);
void launch_verdicts_done(struct launch_verdicts *v);
bool launch_verdicts_is_off(const struct launch_verdicts *v, const char *program);

#endif
