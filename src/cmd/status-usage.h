/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_STATUS_USAGE_H
#define ELFCAST_STATUS_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

#include "shadow-read.h"

struct launch_usage {
	uint64_t n_pages, n_resident, n_evicted, n_unknown; /* that it brings in */
	bool boot, launched;
	uint32_t n_boots; /* without a launch, before this one */
};

struct usage {
	struct shadow_buffer file;
	const struct shadow *pack;     /* in it */
	struct launch_usage *launches; /* as in the pack */
	int counts_error;	       /* why there are no counts */
	bool counting;		       /* there are counts at all */
	bool is_watched;	       /* launches are counted since this boot began */
	bool is_of_boot; /* it is the pack that this boot has read, not one made since */
};

/*
 * The pack that this boot has read or, where that is not known, the one that is there; and which of its launches
 * came since boot, without looking at what is in memory. U is of zeros; -ENOENT: there is no pack.
 */
int usage_load(const struct store *s, struct usage *u);
void usage_done(struct usage *u);

/* Pages of the pack by whether their program was launched since boot. */
struct usage_sums {
	const char *unknown; /* why they are not known; NULL: they are */
	uint64_t used_pages, not_used_pages;
};

/* Without looking at what is in memory. All 0 where there is no pack. */
void status_usage_sum(const struct store *s, struct usage_sums *ret);

#endif
