/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "around.h"
#include "log.h"
#include "train-method.h"
#include "train-system.h"
#include "train-tell.h"

bool train_method_parse(const char *text, enum trace_method *ret)
{
	for (size_t i = 0; i < TRACE_METHODS; i++)
		if (strcmp(text, trace_method_name((enum trace_method)i)) == 0) {
			*ret = (enum trace_method)i;
			return true;
		}
	return false;
}

bool train_method_is_of_system(enum trace_method method)
{
	return method == TRACE_FILEMAP || method == TRACE_FAULTS;
}

/* Which files are to be cold, and looked at afterwards, a launch tells that is recorded as by default. */
static int learn_files(struct training *t, const struct trace_options *options)
{
	struct trace_options traced = *options;
	int r;

	if (t->has_known)
		return 0;
	traced.method = TRACE_UFFD;
	r = trace_launch(t->found, t->argv, &traced, &t->known);
	t->has_known = r == 0;
	return r;
}

static int launch_cold(struct training *t, unsigned run,
		       const struct trace_options *options, struct trace_result *ret)
{
	uint64_t n_kept;
	int r = learn_files(t, options);

	if (r == 0)
		r = around_residency(t->found, t->argv, options, &t->known, ret, &n_kept);
	if (r == 0 && run == 1 && n_kept > 0)
		log_warning("%llu pages do not leave memory, since others use them, and "
			    "are recorded as needed",
			    (unsigned long long)n_kept);
	return r;
}

static int launch_in_system(struct training *t, unsigned run,
			    const struct trace_options *options, struct trace_result *ret)
{
	bool light = arg_method == TRACE_FAULTS, began = false;
	struct trace_system_report report;
	int r = -EPERM;

	if (geteuid() == 0)
		r = around_system(t->found, t->argv, options, light, ret, &report, &began);
	if (r == -EINTR)
		return r;
	if (r < 0)
		return began ? train_explain(r, t->found) : train_system_explain(r);
	if (run == 1)
		train_system_tell(&report, light);
	return 0;
}

int train_launch(struct training *t, unsigned run, const struct trace_options *options,
		 struct trace_result *ret)
{
	int r;

	if (train_method_is_of_system(arg_method))
		return launch_in_system(t, run, options, ret);
	if (arg_method == TRACE_RESIDENCY && geteuid() != 0) {
		log_error("only root sees what is in the page cache (--method=residency)");
		return -EPERM;
	}
	r = arg_method == TRACE_RESIDENCY ? launch_cold(t, run, options, ret)
					  : trace_launch(t->found, t->argv, options, ret);
	return r < 0 && r != -EINTR ? train_explain(r, t->found) : r;
}
