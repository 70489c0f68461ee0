/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "log.h"
#include "train-system.h"

static void tell_start(void *userdata)
{
	const unsigned *duration_ms = userdata;

	log_info("recording for %u s; SIGINT or SIGTERM ends it earlier",
		 *duration_ms / 1000);
}

int train_system_explain(int error)
{
	if (error == -EBUSY)
		log_error("the whole system is being recorded already");
	else if (error == -ENODEV || error == -ENOENT)
		log_errno(error == -ENOENT ? error : 0,
			  "this kernel has no tracepoints of page cache accesses (Linux "
			  "6.10)");
	else if (error == -EACCES)
		log_error("this kernel is locked down to confidentiality: it does not let "
			  "the whole system be recorded");
	else if (error == -EPERM)
		log_error("recording the whole system needs root");
	else
		return log_errno(error, "cannot record the whole system");
	return error;
}

void train_system_tell(const struct trace_system_report *r, bool light)
{
	if (!r->exact && !light)
		log_warning(
			"fault-around cannot be turned off on this kernel: pages that were "
			"cached before are missing where programs map them");
	if (r->n_large)
		log_warning("%llu pages lie in large folios of the page cache, which one "
			    "fault maps whole: what else was used there is missing; drop "
			    "caches before, or record a boot",
			    (unsigned long long)r->n_large);
	if (r->n_lost)
		log_warning("%llu of %llu events were lost", (unsigned long long)r->n_lost,
			    (unsigned long long)(r->n_events + r->n_lost));
	if (r->n_overflows)
		log_warning("too many files were opened: some are missing");
	if (r->n_clashes)
		log_info("%u file%s left out that share%s an inode number with others",
			 r->n_clashes, r->n_clashes == 1 ? "" : "s",
			 r->n_clashes == 1 ? "s" : "");
	if (r->n_left_out)
		log_warning("%zu file%s left out: more than a profile can hold",
			    r->n_left_out, r->n_left_out == 1 ? "" : "s");
	log_debug("%llu events, %llu of files that do not count",
		  (unsigned long long)r->n_events, (unsigned long long)r->n_unknown);
}

/* Whether it is worth a profile; says when not. */
static int judge(const struct trace_result *r, const struct trace_system_report *report,
		 bool light)
{
	if (light && (report->n_lost || report->n_overflows)) {
		log_error("this recording is not whole: it is dropped");
		return -EOVERFLOW;
	}
	if (r->n_objects == 0) {
		log_error("nothing was read that can be read ahead");
		return -ECANCELED;
	}
	return 0;
}

int train_system_record(unsigned duration_ms, bool light, char **ret_program,
			struct trace_result *ret, struct trace_system_report *ret_report)
{
	const struct trace_system_options options = {
		.duration_ms = duration_ms,
		.light = light,
		.on_start = tell_start,
		.userdata = &duration_ms,
	};
	_cleanup_free_ char *program = NULL;
	int r;

	if (geteuid() != 0)
		return train_system_explain(-EPERM);
	r = trace_system(&options, ret, ret_report);
	if (r < 0)
		return train_system_explain(r);
	/* Now: an initramfs, or who began the recording, may have been process 1 before. */
	program = realpath("/proc/1/exe", NULL);
	if (!program) {
		r = log_errno(-errno, "cannot tell which program process 1 runs");
		trace_result_done(ret);
		return r;
	}
	train_system_tell(ret_report, light);
	r = judge(ret, ret_report, light);
	if (r < 0)
		trace_result_done(ret);
	else
		*ret_program = TAKE_PTR(program);
	return r;
}
