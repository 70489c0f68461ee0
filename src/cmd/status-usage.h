/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_STATUS_USAGE_H
#define ELFCAST_STATUS_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

/* Pages of the pack by whether their program was launched since boot. */
struct usage_sums {
	bool is_known;	/* launches are counted, and this user may read the counts */
	bool is_denied; /* they are, but not for this user */
	uint64_t used_pages, not_used_pages;
};

/* Without looking at what is in memory. All 0 where there is no pack. */
void status_usage_sum(const struct store *s, struct usage_sums *ret);

#endif
