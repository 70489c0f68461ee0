/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a reader at boot does next, decided from numbers alone: the rules, without clocks,
 * files and threads, which are pace.c's.
 */
#ifndef ELFCAST_PACE_DECIDE_H
#define ELFCAST_PACE_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

enum pace_step {
	PACE_GO,   /* read a batch */
	PACE_WAIT, /* let others read for pace_quiet_ms(), then decide again */
	PACE_TRY,  /* after waiting: read one batch, with nothing else of ours under way */
	PACE_END,  /* the supervisor wants the end */
	PACE_NO_MEMORY, /* end: what is to stay available for others is not */
	PACE_TOO_LATE,	/* end: the deadline has passed before anything was read */
};

/* Between two batches. */
struct pace_facts {
	bool stopped;	  /* by the supervisor */
	bool others_read; /* from our disks, since it was last looked */
	unsigned n_waits; /* PACE_WAIT that were obeyed since the last batch */
	uint64_t available_bytes, reserve_bytes; /* of memory */
};

enum pace_step pace_decide(const struct pace_facts *f);

/* Before the first batch, where others_read and stopped mean the same. */
struct pace_start {
	bool stopped, others_read;
	uint64_t waited_ms;	   /* for quiet disks */
	uint64_t age_us, limit_us; /* of the whole prefetch, and when it is to end */
};

enum pace_step pace_decide_start(const struct pace_start *s);

/* What the longest of the last batches took, with another that took TOOK_US. */
uint64_t pace_longest_us(uint64_t longest_us, uint64_t took_us);
/* How long a disk is left to others whose batches take us that long. */
unsigned pace_quiet_ms(uint64_t longest_us);

#endif
