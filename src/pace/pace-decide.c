/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pace-decide.h"
#include "macro.h"

/*
 * A disk that others read from is left to them until it has been quiet for as long as a
 * launch computes between two reads, and for 40 times what a batch of ours takes there: 100
 * ms on a memory card, a second on a disk that seeks. Then it is tried with one batch, so that
 * they lose some 2 % of their time. One that is never quiet is tried all the same, every few
 * of these times.
 */
#define QUIET_MIN_MS   UINT64_C(100)
#define QUIET_MAX_MS   UINT64_C(1000)
#define QUIET_BATCHES  40
#define YIELD_TIMES    5
/* And at the beginning, when nothing was read yet. */
#define START_MAX_MS   10000
/* A batch that took long counts less with each one that did not, and no more after some 20. */
#define FORGET_DIVISOR 8

enum pace_step pace_decide(const struct pace_facts *f)
{
	if (f->stopped)
		return PACE_END;
	if (f->available_bytes < f->reserve_bytes)
		return PACE_NO_MEMORY;
	if (f->others_read && f->n_waits < YIELD_TIMES)
		return PACE_WAIT;
	return f->n_waits > 0 ? PACE_TRY : PACE_GO;
}

enum pace_step pace_decide_start(const struct pace_start *s)
{
	if (s->stopped)
		return PACE_END;
	if (s->age_us >= s->limit_us)
		return PACE_TOO_LATE;
	return s->others_read && s->waited_ms < START_MAX_MS ? PACE_WAIT : PACE_GO;
}

uint64_t pace_longest_us(uint64_t longest_us, uint64_t took_us)
{
	return MAX(took_us, longest_us - longest_us / FORGET_DIVISOR);
}

unsigned pace_quiet_ms(uint64_t longest_us)
{
	uint64_t ms = longest_us * QUIET_BATCHES / 1000;

	return (unsigned)MIN(MAX(ms, QUIET_MIN_MS), QUIET_MAX_MS);
}
