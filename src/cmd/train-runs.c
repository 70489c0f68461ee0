/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "readable.h"
#include "trace.h"
#include "train-method.h"
#include "train-private.h"
#include "train-tell.h"
#include "training.h"
#include "utf8.h"

void training_done(struct training *t)
{
	free(t->found);
	free(t->program);
	free(t->of);
	free(t->scenario);
	train_installed_done(&t->installed);
	train_user_done(&t->user);
	profile_free(t->profile);
	trace_result_done(&t->known);
}

void train_show_progress(unsigned run)
{
	if (arg_interactive || log_get_level() < LOG_LEVEL_INFO || !isatty(STDERR_FILENO))
		return;
	if (run > arg_runs)
		fputs("\rrun for functions ", stderr);
	else if (run)
		fprintf(stderr, "\rrun %u of %u ", run, arg_runs);
	else
		fputs("\r\033[K", stderr);
}

void train_describe_end(const struct trace_result *r, char *ret, size_t bytes)
{
	if (WIFSIGNALED(r->exit_status))
		snprintf(ret, bytes, "was killed by signal %d (%s)",
			 WTERMSIG(r->exit_status), strsignal(WTERMSIG(r->exit_status)));
	else
		snprintf(ret, bytes, "exited with status %d", WEXITSTATUS(r->exit_status));
}

/* What failed is no launch that anybody waits for: of pages it has too few, or the wrong ones. */
static int refuse_run(unsigned run, const char *how, const struct trace_result *r)
{
	log_error("run %u %s%s", run, how, *r->last_words ? ", and wrote at last:" : "");
	train_tell_last_words(r->last_words);
	log_error("nothing is written; --allow-failed is for programs that end so");
	return -ECANCELED;
}

/* 1: the run is evidence of a launch; 0: it is not; -ECANCELED: there is to be no profile. */
static int judge_run(struct training *t, unsigned run, const struct trace_result *r)
{
	char how[128];

	if (!r->exited)
		return 1;
	train_describe_end(r, how, sizeof(how));
	if (r->exit_status != 0 && !arg_allow_failed)
		return refuse_run(run, how, r);
	if (WIFSIGNALED(r->exit_status)) {
		log_warning("run %u %s and does not count", run, how);
		return 0;
	}
	if (!t->has_status && r->exit_status != 0)
		log_warning("run %u %s", run, how);
	else if (t->has_status && r->exit_status != t->first_status)
		log_warning("run %u %s, an earlier one with %d", run, how,
			    WEXITSTATUS(t->first_status));
	if (!t->has_status)
		t->first_status = r->exit_status;
	t->has_status = true;
	return 1;
}

/*
 * What is installed anybody may read, and what is recorded of all users is not for one of
 * them.
 */
bool train_is_public(void)
{
	return arg_install || arg_system || train_method_is_of_system(arg_method);
}

int train_add_run(struct training *t, const struct trace_result *r)
{
	const struct train_options options = {
		.program = t->program,
		.scenario = arg_scenario,
		.window_ms = arg_window_ms,
		.is_public = train_is_public(),
	};
	_cleanup_(profile_freep) struct profile *one = NULL, *both = NULL;
	struct diag diag = { 0 };
	unsigned n_private = 0;
	int error = train_profile(&options, r, &one, &n_private);

	if (error < 0)
		return log_errno(error, "cannot make a profile of '%s'", t->program);
	t->n_private = MAX(t->n_private, n_private);
	if (!t->profile) {
		t->profile = TAKE_PTR(one);
		return 0;
	}
	error = profile_merge(t->profile, one, &both, &diag);
	if (error < 0)
		return log_errno(error, "cannot add a run: %s", diag.message);
	profile_free(t->profile);
	t->profile = TAKE_PTR(both);
	return 0;
}

static void warn_inexact(const struct training *t, unsigned run,
			 const struct trace_result *r)
{
	if (run == 1 && r->method == TRACE_PAGEMAP && arg_method == TRACE_UFFD)
		log_warning("this kernel lacks, or a container's filter of system calls "
			    "refuses, what "
			    "exact recording needs (Linux 6.7, x86-64 or arm64; "
			    "userfaultfd(2), "
			    "pidfd_getfd(2); before Linux 6.18, root): pages next to used "
			    "ones are recorded too");
	if (run == 1 && r->method == TRACE_PAGEMAP && arg_method == TRACE_PTE)
		log_warning("fault-around cannot be turned off here (root, debugfs, before "
			    "Linux 6.18, one recording at a time): pages next to used ones "
			    "are recorded too");
	if (run == arg_runs && t->n_unseen)
		log_info("%u process%s with a sandbox or a foreign ABI (32-bit, x32) "
			 "could not be recorded exactly; what such an ABI reads with "
			 "read() is missing",
			 t->n_unseen, t->n_unseen == 1 ? "" : "es");
}

/* Of all runs: how they ended that did not end by themselves. */
static void tell_ends(const struct training *t)
{
	const char *runs = arg_runs == 1 ? "" : "s";

	if (t->n_settled)
		log_info("%u of %u run%s went on, and %s ended when new pages had become "
			 "rare",
			 t->n_settled, arg_runs, runs, t->n_settled == 1 ? "was" : "were");
	if (t->n_cut)
		log_info("%u of %u run%s had not ended after %u ms and %s ended then",
			 t->n_cut, arg_runs, runs, arg_window_ms,
			 t->n_cut == 1 ? "was" : "were");
	if (t->n_reading)
		log_warning("%u of them %s still reading new pages: the launch is cut; "
			    "--window= and --until-exit give it more time",
			    t->n_reading, t->n_reading == 1 ? "was" : "were");
}

/* Of the first run: the others leave out the same. */
void train_note_left_out(struct training *t, const struct trace_result *r)
{
	train_tell_left_out(r);
	for (size_t i = 0; i < N_LEFT_OUT; i++)
		t->n_left_out[i] = r->left_out[i].n_files;
}

/* What a profile is called by, anybody reads where it is installed. */
static int check_name(const char *path)
{
	_cleanup_free_ char *file = realpath(path, NULL);

	if (!utf8_is_plain(path)) {
		log_error("'%s' cannot have a profile: its name is not UTF-8, or has a "
			  "control character",
			  path);
		return -EINVAL;
	}
	if (!arg_install || (file && file_is_readable_by_all(file)))
		return 0;
	log_error("cannot install a profile of '%s', which not everybody may read", path);
	return -EACCES;
}

/* The first run tells what the command is there for. */
static int name_training(struct training *t, const char *program,
			 const struct trace_result *result)
{
	_cleanup_free_ char *command = NULL;
	int r;

	if (!t->program)
		t->program = strdup(program);
	if (!t->program)
		return log_errno(-ENOMEM, "cannot record '%s'", program);
	r = check_name(program);
	if (r < 0)
		return r;
	if (t->found && train_find_program(t->found, &command) == 0 &&
	    strcmp(command, program) != 0)
		log_info("'%s' starts '%s': the profile is of that", command, program);
	if (arg_scenario)
		return 0;
	t->scenario = strdup(result->interpreted ? result->interpreted : "default");
	if (!t->scenario)
		return log_errno(-ENOMEM, "cannot record '%s'", program);
	arg_scenario = t->scenario;
	r = t->scenario[0] == '/' ? check_name(t->scenario) : 0;
	if (r < 0)
		log_error("--scenario= gives it another name");
	return r;
}

int train_take_run(struct training *t, unsigned run, const struct trace_result *result)
{
	_cleanup_free_ char *program = NULL;
	const char *what = result->interpreted ? result->interpreted : "default";
	int r;

	if (!result->program) {
		log_error("run %u did not execute '%s'", run,
			  arg_program ? arg_program : t->found);
		return -ENOENT;
	}
	if (arg_program)
		program = strdup(t->program);
	r = program ? 0 : train_find_program(result->program, &program);
	if (r < 0)
		return log_errno(r, "cannot tell what '%s' is", result->program);
	if (!t->profile)
		r = name_training(t, program, result);
	else if (strcmp(program, t->program) != 0 ||
		 (t->scenario && strcmp(what, t->scenario) != 0)) {
		log_error("run %u was a launch of '%s' (%s), the first of '%s' (%s)", run,
			  program, what, t->program, arg_scenario);
		r = -ESTALE;
	}
	return r < 0 ? r : train_add_run(t, result);
}

/*
 * What a launch looks up hardly differs from one to the next (of twelve programs, from perl to java: in no name), and to
 * record it takes a third of what recording takes: one run tells it. Not the first where there are more, which makes what others find.
 */
static bool is_to_look_up(const struct training *t, unsigned run)
{
	const struct profile *p = t->profile;

	return (run > 1 || arg_runs == 1) && (!p || profile_runs_with_lookups(p) == 0);
}

static int run_once(struct training *t, unsigned run)
{
	const struct trace_options options = {
		.window_ms = arg_window_ms,
		.until_rare = !arg_until_exit && !arg_for_s,
		.of = arg_program ? t->program : t->of,
		.of_itself = arg_program,
		.lookups = is_to_look_up(t, run),
		.inherit_stdio = arg_interactive,
		.method = arg_method,
		.user = t->has_user ? &t->user.user : NULL,
	};
	struct trace_result result;
	int r;

	train_show_progress(run);
	r = train_launch(t, run, &options, &result);
	train_show_progress(0);
	if (r == -EINTR)
		log_error("interrupted in run %u: nothing is written", run);
	if (r < 0)
		return r;
	if (run == 1 && !t->of && !arg_program && result.starts) {
		/* Nobody waits for the shell: once more, from where that begins. */
		t->of = TAKE_PTR(result.starts);
		trace_result_done(&result);
		return run_once(t, run);
	}
	t->longest_ms = MAX(t->longest_ms, (unsigned)(result.elapsed_us / 1000));
	t->n_unseen += result.n_unseen;
	t->n_settled += result.settled;
	t->n_cut += result.window_ended && !result.settled;
	t->n_reading += result.cut;
	if (run == 1)
		train_note_left_out(t, &result);
	warn_inexact(t, run, &result);
	r = judge_run(t, run, &result);
	if (r > 0)
		r = train_take_run(t, run, &result);
	trace_result_done(&result);
	return r;
}

int train_run_all(struct training *t)
{
	for (unsigned run = 1; run <= arg_runs; run++) {
		int r = run_once(t, run);

		if (r < 0)
			return r;
	}
	tell_ends(t);
	if (!t->profile) {
		log_error("no run of '%s' ended normally", t->found);
		return -ECANCELED;
	}
	return 0;
}

int train_sign(struct training *t, struct functions *functions)
{
	int r = train_add_fingerprints(t->profile, arg_portable, functions);

	return r < 0 ? log_errno(r, "cannot read the files of '%s'", t->program) : 0;
}
