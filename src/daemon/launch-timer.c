/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "clock.h"
#include "launch-timer.h"
#include "log.h"
#include "macro.h"

void launch_timer_load(struct launch_timer *t, const struct store *s)
{
	int r = launch_times_load(s, &t->times);

	if (r < 0 && r != -ENOENT)
		log_errno(r, "the times of launches cannot be used, timing anew");
	launch_timer_judge(t);
}

void launch_timer_done(struct launch_timer *t)
{
	for (size_t i = 0; i < LAUNCH_TIMER_MOST; i++)
		launch_timer_forget(&t->running[i]);
	launch_times_done(&t->times);
	launch_verdicts_done(&t->verdicts);
}

bool launch_timer_plan(const struct launch_timer *t, const char *program)
{
	return launch_times_plan(&t->times, program,
				 !launch_verdicts_is_off(&t->verdicts, program));
}

bool launch_timer_start(struct launch_timer *t, const char *program, uint32_t token,
			bool is_read)
{
	for (size_t i = 0; i < LAUNCH_TIMER_MOST; i++) {
		struct launch_timing *l = &t->running[i];

		/* What runs for so long is not timed any more. */
		if (l->program && clock_us() - l->since_us > LIMIT_LAUNCH_MS * 1000u)
			launch_timer_forget(l);
		if (l->program)
			continue;
		*l = (struct launch_timing){ strdup(program), clock_us(), token, is_read };
		return l->program;
	}
	return false;
}

struct launch_timing *launch_timer_find(struct launch_timer *t, const char *program)
{
	for (size_t i = 0; i < LAUNCH_TIMER_MOST; i++)
		if (t->running[i].program && strcmp(t->running[i].program, program) == 0)
			return &t->running[i];
	return NULL;
}

void launch_timer_forget(struct launch_timing *l)
{
	free(l->program);
	*l = (struct launch_timing){ 0 };
}

uint32_t launch_timer_end(struct launch_timer *t, const struct launch_timing *l)
{
	uint64_t ms = (clock_us() - l->since_us) / 1000;

	if (ms == 0 || ms > LIMIT_LAUNCH_MS ||
	    launch_times_add(&t->times, l->program, (uint32_t)ms, l->is_read) < 0)
		return 0;
	t->is_changed = true;
	return (uint32_t)ms;
}

void launch_timer_judge(struct launch_timer *t)
{
	struct launch_verdicts v;

	/* Without memory it stays as it was. */
	if (launch_verdicts_find(&t->times, &v) < 0)
		return;
	launch_verdicts_done(&t->verdicts);
	t->verdicts = v;
}
