/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One launch more, which tells which functions of the needed pages run. It stops at each of them once, so that nothing
 * else is taken from it; and when it does not end as the others did, not that either: a program may look at its own
 * code, or wait for the signal that stops it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "trace.h"
#include "tracee.h"
#include "train-private.h"
#include "training.h"

static bool is_to_watch(void)
{
	return arg_portable >= FINGERPRINT_FUNCTIONS && !arg_interactive &&
	       (arg_method == TRACE_UFFD || arg_method == TRACE_PTE ||
		arg_method == TRACE_PAGEMAP) &&
	       tracee_has_breakpoints();
}

/* Whether it was one of the launches that the profile is of. */
static bool is_as_before(const struct training *t, const struct trace_result *r)
{
	if (!r->program)
		return false;
	return r->exited ? t->has_status && r->exit_status == t->first_status
			 : t->n_settled + t->n_cut > 0;
}

/*
 * What does not end by itself has so long: that new pages have become rare does not show where breakpoints have touched
 * them all before.
 */
static unsigned window_ms(const struct training *t)
{
	return t->n_settled + t->n_cut ? MIN(arg_window_ms, 2 * t->longest_ms + 1000)
				       : arg_window_ms;
}

static int launch(struct training *t, struct functions *functions)
{
	const struct trace_options options = {
		.window_ms = window_ms(t),
		.of = arg_program ? t->program : t->of,
		.of_itself = arg_program,
		.functions = functions,
		.method = TRACE_PAGEMAP,
		.user = t->has_user ? &t->user.user : NULL,
	};
	struct trace_result result;
	char how[128] = "did not end";
	int r;

	train_show_progress(arg_runs + 1);
	r = trace_launch(t->found, t->argv, &options, &result);
	train_show_progress(0);
	if (r == -EINTR)
		log_error("interrupted in the run for functions: nothing is written");
	else if (r < 0)
		log_warning("which functions run is not known: %s", strerror(-r));
	if (r < 0)
		return r;
	if (!is_as_before(t, &result)) {
		if (result.exited)
			train_describe_end(&result, how, sizeof(how));
		log_warning("which functions run is not known: with breakpoints it %s",
			    how);
		r = -ECANCELED;
	}
	if (r == 0)
		r = functions_unpack(functions, result.functions, result.functions_bytes);
	trace_result_done(&result);
	return r;
}

int train_sign_launch(struct training *t)
{
	_cleanup_(functions_done) struct functions functions = { 0 };
	int r;

	if (!is_to_watch())
		return train_sign(t, NULL);
	r = train_sign(t, &functions);
	if (r < 0 || functions.n == 0)
		return r;
	r = launch(t, &functions);
	if (r < 0)
		return r == -EINTR ? r : 0;
	r = train_add_ran(t->profile, &functions);
	return r < 0 ? log_errno(r, "cannot add which functions ran") : 0;
}
