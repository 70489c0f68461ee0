/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What elfcastd tells of itself while it runs: a small text in /run, written when something
 * changes, never by the clock. Who reads it asks the kernel whether the writer still lives.
 */
#ifndef ELFCAST_WATCH_STATE_H
#define ELFCAST_WATCH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

struct watch_state {
	uint64_t pid;
	uint64_t start_ticks; /* since boot, as /proc/PID/stat has it: a pid comes again */
	uint64_t n_programs;  /* profiled programs */
	uint64_t n_unwatched; /* of these: there, but they cannot be watched */
	uint64_t n_overflows; /* how often launches were lost, since boot */
	uint64_t last_error;  /* errno of the last write of the counts, 0: written */
	/* Launches since boot, see launch-reader.h, as of the last write of the counts. */
	uint64_t n_read, n_alone, n_resident, n_again, n_dropped;
	uint64_t n_pages; /* that were read ahead for them */
	uint64_t n_timed,
		timed_ms; /* of those read ahead: whose time is known, and its sum */
};

/* -ENOENT: none since boot. -EBADMSG, ... */
int watch_state_load(const struct store *s, struct watch_state *ret);
int watch_state_save(const struct store *s, const struct watch_state *w);
/*
 * When process PID was started, in us of CLOCK_MONOTONIC, to a tick (10 ms as a rule); right where the machine
 * has not slept since. Process 1 of a machine begins with the kernel, at 0 or little later. OTHERWISE: it is not known.
 */
uint64_t watch_state_process_us(uint64_t pid, uint64_t otherwise);
/* Name this process in W. */
void watch_state_set_self(struct watch_state *w);
bool watch_state_is_running(const struct watch_state *w);
/* When it was started, in seconds since boot. */
uint64_t watch_state_start_s(const struct watch_state *w);

int watch_state_parse(const char *text, size_t bytes, struct watch_state *ret);
/* Bytes without the NUL. */
size_t watch_state_format(const struct watch_state *w, char *ret, size_t bytes);

#endif
