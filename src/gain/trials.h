/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A series of times with something and, now and then, without it as a control (or the other way
 * round): each of the rarer kind is held against its neighbours of the other. Machines change over
 * the months, neighbours hardly do. Pure.
 */
#ifndef ELFCAST_TRIALS_H
#define ELFCAST_TRIALS_H

#include <stdbool.h>
#include <stddef.h>

struct trial {
	double ms;
	bool is_control;
};

struct trial_pair {
	double ms;	   /* with */
	double control_ms; /* without: one is a measured time, the other a median of neighbours */
};

/* RET: room for N. 0 or -ENOMEM. */
int trials_pair(const struct trial *trials, size_t n, struct trial_pair *ret,
		size_t *ret_n);

#endif
