/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What reading ahead for the boot gains here, from the log of boots: each control against the
 * boots around it that were read ahead. Systems change over the months, neighbours hardly do.
 * Pure.
 */
#ifndef ELFCAST_BOOT_GAIN_H
#define ELFCAST_BOOT_GAIN_H

#include <stdbool.h>

#include "boots.h"
#include "statistics.h"

/* Fewer controls tell nothing for certain. */
#define BOOT_GAIN_CONTROLS STATS_N_MIN
/* Of a control's time: who saves less than this at best saves nothing. */
#define BOOT_GAIN_PERCENT  1.0

struct boot_gain {
	/* Boots that count, and whose time is known. */
	size_t n_eager, n_controls;
	double eager_ms, control_ms; /* medians; 0: there are none */
	size_t n_pairs;		     /* controls with neighbours */
	struct estimate saves_ms;    /* of these; all 0 with none */
	bool is_none;		     /* enough of them say that nothing is gained */
};

/* Of the lines from boots_first_counting() on. 0 or -ENOMEM. */
int boot_gain_find(const struct boots *b, struct boot_gain *ret);

#endif
