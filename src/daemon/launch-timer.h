/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long a launch takes, without knowing its process: from the exec until the program's file,
 * which the kernel holds open for whoever runs it, is closed. Who hears of both from the kernel
 * tells it, and also of all that makes that uncertain: another launch of the same program,
 * somebody else who opens the file. What these times say decides who is read ahead. libc only.
 */
#ifndef ELFCAST_LAUNCH_TIMER_H
#define ELFCAST_LAUNCH_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launch-gain.h"
#include "launch-times.h"

/* Launches that are timed at once. */
#define LAUNCH_TIMER_MOST 32u

struct launch_timing {
	char *program; /* NULL: none */
	uint64_t since_us;
	uint32_t token; /* of who reads: launch_reader_was_cold() */
	bool is_read;	/* ahead, where it is cold */
};

struct launch_timer {
	struct launch_timing running[LAUNCH_TIMER_MOST];
	struct launch_times times;
	struct launch_verdicts verdicts; /* from TIMES, see launch_timer_judge() */
	bool is_changed;		 /* TIMES since then */
};

/* T is of zeros. What cannot be used is reported, and is as good as none. */
void launch_timer_load(struct launch_timer *t, const struct store *s);
void launch_timer_done(struct launch_timer *t);

/* Whether the launch of PROGRAM that begins is to be read ahead, if it is cold. */
bool launch_timer_plan(const struct launch_timer *t, const char *program);
/* It begins now. False: there is no room, or no memory. */
bool launch_timer_start(struct launch_timer *t, const char *program, uint32_t token,
			bool is_read);
/* NULL: none of PROGRAM is on its way. */
struct launch_timing *launch_timer_find(struct launch_timer *t, const char *program);
/* One that is not to be timed, or was. */
void launch_timer_forget(struct launch_timing *l);
/*
 * L, which began with a cold cache, ends now: it is noted, unless it took so long that it was
 * waiting for somebody. What it took; 0: nothing was noted.
 */
uint32_t launch_timer_end(struct launch_timer *t, const struct launch_timing *l);
/* What follows from all that is noted; takes milliseconds. */
void launch_timer_judge(struct launch_timer *t);

#endif
