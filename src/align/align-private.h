/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between align*.c. */
#ifndef ELFCAST_ALIGN_PRIVATE_H
#define ELFCAST_ALIGN_PRIVATE_H

#include "align.h"
#include "vec.h"

/* Units that are the same, by their numbers. */
struct anchor {
	uint32_t old, new;
	unsigned weight;
	bool is_key; /* that is believed alone */
};

struct aligner {
	struct old_code *code;
	const struct layout *to;
	struct anchor *anchors; /* by both */
	size_t n_anchors, anchors_capacity;
	int worth[256]; /* what two units of one code say: the rarer, the more */
	uint64_t cells; /* of work that are left */
};

/* Numbers of units: from, and one past the last. */
struct range {
	size_t old, old_end, new, new_end;
};

void count_codes(struct aligner *a);
/* Sets TO of the old units in R that have none to new ones in R. -ENOMEM. */
int align_between(struct aligner *a, const struct range *r);

/* Of functions that ran and are not found, or not surely, by those that call them or that they call. -ENOMEM. */
int align_calls(struct aligner *a);
/* Steps between two sizes; many where one is of a gap. */
unsigned code_distance(uint8_t a, uint8_t b);

#endif
