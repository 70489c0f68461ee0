/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What reading ahead at exec gains here, as elfcastd's timed launches tell. */
#include <errno.h>
#include <stdio.h>

#include "json-out.h"
#include "log.h"
#include "status.h"
#include "watch-state.h"

int status_load_times(const struct store *s, struct status_gain *ret)
{
	int r = launch_times_load(s, &ret->times);

	if (r == -ENOMEM)
		return r;
	ret->is_refused = r == -EACCES;
	if (r < 0 && r != -ENOENT && r != -EACCES)
		log_warning("the times of launches cannot be used: %s", error_text(r));
	r = launch_gain_find(&ret->times, NULL, &ret->all);
	return r < 0 ? r : launch_verdicts_find(&ret->times, &ret->verdicts);
}

void status_gain_done(struct status_gain *g)
{
	launch_times_done(&g->times);
	launch_verdicts_done(&g->verdicts);
}

/* Launches that took MS, when PERCENT of the time without was saved. */
static double saved_s(uint64_t ms, double percent)
{
	return percent < 100 ? (double)ms / 1000 * percent / (100 - percent) : 0;
}

void status_print_launch_gain(FILE *f, const struct status_gain *g,
			      const struct watch_state *w)
{
	const struct launch_gain *all = &g->all;

	if (all->n_read + all->n_alone == 0) {
		fputs(g->is_refused
			      ? "not known: the times of launches are root's to read\n"
			      : "nothing is known yet\n",
		      f);
		return;
	}
	if (all->n_pairs < LAUNCH_GAIN_PAIRS) {
		fprintf(f, "%zu cold one%s timed, %zu left alone: too few to tell\n",
			all->n_read + all->n_alone,
			all->n_read + all->n_alone == 1 ? "" : "s", all->n_alone);
		return;
	}
	fprintf(f, "%.0f %% of a cold one saved [%.0f to %.0f]", all->percent.value,
		all->percent.low, all->percent.high);
	if (w->timed_ms > 0)
		fprintf(f, ", %.1f s since boot [%.1f to %.1f]",
			saved_s(w->timed_ms, all->percent.value),
			saved_s(w->timed_ms, all->percent.low),
			saved_s(w->timed_ms, all->percent.high));
	fprintf(f, "%s\n", all->is_none ? ": switched off" : "");
}

static void put_estimate(const char *name, const struct estimate *e, bool is_known)
{
	if (!is_known) {
		json_string(name, NULL);
		return;
	}
	json_open(name, '{');
	json_double("median", e->value);
	json_double("low", e->low);
	json_double("high", e->high);
	json_close('}');
}

void status_put_launch_gain(const struct status_gain *g, const struct watch_state *w)
{
	const struct launch_gain *all = &g->all;
	const struct estimate saved = { saved_s(w->timed_ms, all->percent.value),
					saved_s(w->timed_ms, all->percent.low),
					saved_s(w->timed_ms, all->percent.high) };
	bool is_known = all->n_pairs >= LAUNCH_GAIN_PAIRS;

	json_uint("read_ahead", all->n_read);
	json_uint("controls", all->n_alone);
	put_estimate("saves_percent", &all->percent, is_known);
	put_estimate("saved_seconds_since_boot", &saved, is_known && w->timed_ms > 0);
	json_bool("is_off", all->is_none);
}

void status_print_program_gain(FILE *f, const struct status_gain *g, const char *program)
{
	struct launch_gain own;

	if (launch_verdicts_is_off(&g->verdicts, program))
		fprintf(f, "  %6s", "off");
	else if (launch_gain_find(&g->times, program, &own) < 0 ||
		 own.n_pairs < LAUNCH_GAIN_PAIRS)
		fprintf(f, "  %6s", "-");
	else
		fprintf(f, "  %4.0f %%", own.percent.value);
}

void status_put_program_gain(const struct status_gain *g, const char *program)
{
	struct launch_gain own;

	if (launch_gain_find(&g->times, program, &own) < 0)
		return;
	json_uint("cold_read_ahead", own.n_read);
	json_uint("cold_controls", own.n_alone);
	json_double("read_ahead_ms", own.read_ms);
	json_double("control_ms", own.alone_ms);
	put_estimate("saves_percent", &own.percent, own.n_pairs >= LAUNCH_GAIN_PAIRS);
	json_bool("is_off", launch_verdicts_is_off(&g->verdicts, program));
}
