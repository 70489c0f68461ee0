/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast train: run a command several times, record it, write one profile; or record what the
 * whole system does.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "bounds.h"
#include "cmd.h"
#include "io.h"
#include "json-out.h"
#include "log.h"
#include "output-file.h"
#include "readable.h"
#include "search-path.h"
#include "shadow-format.h"
#include "store.h"
#include "trace.h"
#include "train-auto.h"
#include "train-install.h"
#include "train-own.h"
#include "train-running.h"
#include "train-system.h"
#include "train-tell.h"
#include "train-user.h"
#include "training.h"

#define DEFAULT_RUNS	  5
#define DEFAULT_WINDOW_MS 30000 /* at most: it ends by itself */
#define AUTO_S		  60	/* a boot, if nobody ends it earlier */

static unsigned arg_runs = DEFAULT_RUNS;
static unsigned arg_window_ms = DEFAULT_WINDOW_MS;
static const char *arg_scenario; /* NULL: not given, or not known yet */
static const char *arg_output; /* NULL: PROGRAM.json here, unless installed; "-": stdout */
static bool arg_install, arg_interactive, arg_as_root, arg_allow_failed;
static bool arg_system, arg_light, arg_auto;
static unsigned arg_for_s; /* 0: not given */
static bool arg_until_exit;
static const char
	*arg_window; /* option that says when a launch ends; NULL: it does by itself */
static const char *arg_unit;	/* to be started */
static pid_t arg_pid;		/* that runs already; 0: not given */
static const char *arg_program; /* of which the profile is; NULL: not given */
static enum fingerprint_level arg_portable = FINGERPRINT_KEYS;
/* Options that make no sense with --system, and those that do for commands alone: the last seen. */
static const char *arg_of_command, *arg_of_run;

struct training {
	char *const *argv;
	char *found; /* what is executed */
	char *program; /* what the profile is of, see train_find_program(); NULL: not known yet */
	char *of; /* what a shell starts, and nothing else; NULL: there is no such shell */
	char *scenario; /* that its arguments tell, or NULL */
	struct profile *profile;
	unsigned n_unseen;  /* processes */
	unsigned n_settled; /* runs that were ended when new pages had become rare */
	unsigned n_cut;	    /* runs that the window's end ended */
	unsigned n_reading; /* of these, while there were new pages */
	unsigned n_left_out[N_LEFT_OUT]; /* files of the first run, by reason */
	struct train_user user;		 /* who runs it, if not who we are */
	bool has_user;
	unsigned n_private;    /* files, in the run that had most */
	size_t n_lookups_left; /* names for which there was no room */
	bool has_status;
	int first_status; /* of the first run that ended by itself */
	struct train_installed installed;
	struct trace_system_report report; /* with --system */
	enum boot_train why;		   /* with --auto */
};

static void training_done(struct training *t)
{
	free(t->found);
	free(t->program);
	free(t->of);
	free(t->scenario);
	train_installed_done(&t->installed);
	train_user_done(&t->user);
	profile_free(t->profile);
}

/* ---- running ---- */

static void show_progress(unsigned run)
{
	if (arg_interactive || log_get_level() < LOG_LEVEL_INFO || !isatty(STDERR_FILENO))
		return;
	if (run)
		fprintf(stderr, "\rrun %u of %u ", run, arg_runs);
	else
		fputs("\r\033[K", stderr);
}

static void describe_end(const struct trace_result *r, char *ret, size_t bytes)
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
	describe_end(r, how, sizeof(how));
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
static bool is_public(void)
{
	return arg_install || arg_system;
}

static int add_run(struct training *t, const struct trace_result *r)
{
	const struct train_options options = {
		.program = t->program,
		.scenario = arg_scenario,
		.window_ms = arg_window_ms,
		.is_public = is_public(),
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
	if (run == 1 && r->method == TRACE_PAGEMAP)
		log_warning(
			"this kernel lacks what exact recording needs (Linux 6.7, x86-64): "
			"pages next to used ones are recorded too");
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
static void note_left_out(struct training *t, const struct trace_result *r)
{
	train_tell_left_out(r);
	for (size_t i = 0; i < N_LEFT_OUT; i++)
		t->n_left_out[i] = r->left_out[i].n_files;
}

/* What a profile is called by, anybody reads where it is installed. */
static int check_name(const char *path)
{
	_cleanup_free_ char *file = realpath(path, NULL);

	if (!arg_install || (file && file_is_readable_by_all(file)))
		return 0;
	log_error("cannot install a profile of '%s', which not everybody may read", path);
	return -EACCES;
}

/* The first run tells what the command is there for. */
static int name_training(struct training *t, const char *program,
			 const struct trace_result *r)
{
	_cleanup_free_ char *command = NULL;

	if (!t->program)
		t->program = strdup(program);
	if (!t->program)
		return log_errno(-ENOMEM, "cannot record '%s'", program);
	if (check_name(program) < 0)
		return -EACCES;
	if (t->found && train_find_program(t->found, &command) == 0 &&
	    strcmp(command, program) != 0)
		log_info("'%s' starts '%s': the profile is of that", command, program);
	if (arg_scenario)
		return 0;
	t->scenario = strdup(r->interpreted ? r->interpreted : "default");
	if (!t->scenario)
		return log_errno(-ENOMEM, "cannot record '%s'", program);
	arg_scenario = t->scenario;
	if (t->scenario[0] != '/' || check_name(t->scenario) == 0)
		return 0;
	log_error("--scenario= gives it another name");
	return -EACCES;
}

static int take_run(struct training *t, unsigned run, const struct trace_result *result)
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
	return r < 0 ? r : add_run(t, result);
}

static int run_once(struct training *t, unsigned run)
{
	const struct trace_options options = {
		.window_ms = arg_window_ms,
		.until_rare = !arg_until_exit && !arg_for_s,
		.of = arg_program ? t->program : t->of,
		.of_itself = arg_program,
		.inherit_stdio = arg_interactive,
		.user = t->has_user ? &t->user.user : NULL,
	};
	struct trace_result result;
	int r;

	show_progress(run);
	r = trace_launch(t->found, t->argv, &options, &result);
	show_progress(0);
	if (r == -EINTR)
		return log_errno(r, "run %u", run);
	if (r < 0)
		return train_explain(r, t->found);
	if (run == 1 && !t->of && !arg_program && result.starts) {
		/* Nobody waits for the shell: once more, from where that begins. */
		t->of = TAKE_PTR(result.starts);
		trace_result_done(&result);
		return run_once(t, run);
	}
	t->n_unseen += result.n_unseen;
	t->n_settled += result.settled;
	t->n_cut += result.window_ended && !result.settled;
	t->n_reading += result.cut;
	if (run == 1)
		note_left_out(t, &result);
	warn_inexact(t, run, &result);
	r = judge_run(t, run, &result);
	if (r > 0)
		r = take_run(t, run, &result);
	trace_result_done(&result);
	return r;
}

static int run_all(struct training *t)
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

static int add_fingerprints(struct training *t)
{
	int r = train_add_fingerprints(t->profile, arg_portable);

	return r < 0 ? log_errno(r, "cannot read the files of '%s'", t->program) : 0;
}

/* ---- writing ---- */

static int write_output(const char *path, const char *text, size_t bytes)
{
	int r;

	if (strcmp(path, "-") == 0)
		r = fwrite(text, 1, bytes, stdout) == bytes ? 0 : -EIO;
	else
		r = output_file_write(path, text, bytes, -1);
	if (r < 0)
		log_error("cannot write '%s': %s", path, output_file_error(r));
	return r;
}

static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* More than that programs that do not know lookups would refuse as the value of a key. */
static int fit_lookups(struct training *t)
{
	size_t n_dirs;
	int r = lookups_fit(&t->profile->lookups, LIMIT_EXTRA_BYTES, &t->n_lookups_left,
			    &n_dirs);

	if (r == 0 && n_dirs > 0)
		log_info(
			"%zu names looked up in %zu director%s are left out: a profile has "
			"room for %u KiB of them",
			t->n_lookups_left, n_dirs, n_dirs == 1 ? "y" : "ies",
			LIMIT_EXTRA_BYTES / 1024);
	return r < 0 ? log_errno(r, "cannot write") : 0;
}

static int write_profile(struct training *t, char **ret_path)
{
	_cleanup_free_ char *text = NULL, *path = NULL;
	size_t bytes;
	int r = fit_lookups(t);

	if (r < 0)
		return r;
	if (arg_install)
		r = train_install(&(struct train_install){ arg_root, arg_system, t->why },
				  &t->profile, &t->installed);
	else if ((r = profile_write(t->profile, &text, &bytes)) < 0)
		log_errno(r, "cannot write the profile of '%s'", t->program);
	if (r < 0)
		return r;
	if (arg_install) {
		text = TAKE_PTR(t->installed.text);
		bytes = t->installed.bytes;
	}
	if (arg_output)
		path = strdup(arg_output);
	else if (!arg_install && asprintf(&path, "%s.json", base_name(t->program)) < 0)
		path = NULL;
	if (!path)
		return arg_install && !arg_output ? 0 : log_errno(-ENOMEM, "cannot write");
	r = write_output(path, text, bytes);
	if (r < 0)
		return r;
	*ret_path = TAKE_PTR(path);
	return 0;
}

static void print_report(const struct trace_system_report *r)
{
	json_bool("exact", r->exact && !r->n_large);
	json_bool("light", arg_light);
	json_uint("large_folios", r->n_large);
	json_uint("events", r->n_events);
	json_uint("lost_events", r->n_lost);
	json_uint("overflows", r->n_overflows);
	json_uint("clashes", r->n_clashes);
	json_uint("left_out", r->n_left_out);
}

static void print_summary(const struct training *t, const char *path)
{
	const struct profile *p = t->profile;
	uint64_t n_pages = train_auto_count(p);

	if (t->n_private)
		log_info("%u file%s that not everybody may read: %s", t->n_private,
			 t->n_private == 1 ? "" : "s",
			 is_public() ? "left out" : "named, without digests");
	if (!arg_json) {
		log_info("%s: %zu objects, %llu pages (%.1f MiB), %u run%s, %s", p->program,
			 p->n_objects, (unsigned long long)n_pages,
			 (double)n_pages * PAGE_BYTES / (1 << 20), p->n_runs,
			 p->n_runs == 1 ? "" : "s", p->method);
		return;
	}
	json_open(NULL, '{');
	json_string("program", p->program);
	json_string("scenario", p->scenario);
	json_uint("objects", p->n_objects);
	json_uint("lookups", lookups_count(&p->lookups));
	json_uint("lookups_left_out", t->n_lookups_left);
	json_uint("pages", n_pages);
	json_uint("bytes", n_pages * PAGE_BYTES);
	json_uint("runs", p->n_runs);
	json_string("method", p->method);
	if (arg_system) {
		print_report(&t->report);
	} else {
		json_uint("unseen", t->n_unseen);
		json_uint("settled", t->n_settled);
		json_uint("cut", t->n_cut);
		json_uint("still_reading", t->n_reading);
		train_print_left_out(t->n_left_out);
	}
	json_uint("private", t->n_private);
	json_string("output", path);
	json_string("installed", t->installed.name);
	json_close('}');
}

/* ---- command line ---- */

static bool parse_runs(const char *text)
{
	unsigned long x;
	char *end;

	errno = 0;
	x = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || x == 0 || x > LIMIT_PROFILE_RUNS)
		return false;
	arg_runs = (unsigned)x;
	return true;
}

/* It becomes part of a file name. */
static bool is_scenario(const char *s)
{
	return *s && *s != '.' && strlen(s) <= LIMIT_NAME_BYTES &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			   "._+-")] == 0;
}

/*
 * A command that somebody ran by sudo is his: it, and what is configured where he is, gets no
 * more rights than he has.
 */
static int find_user(struct training *t)
{
	int r = arg_as_root ? 0 : train_user_find(&t->user);

	t->has_user = r > 0;
	if (t->has_user)
		log_debug("running it as %s, as SUDO_UID says", t->user.user.name);
	return r;
}

static int train(char *argv[])
{
	_cleanup_(training_done) struct training t = { .argv = argv };
	_cleanup_free_ char *path = NULL;
	int r = search_path_find(argv[0], &t.found);

	if (r < 0) {
		log_errno(r, "cannot run '%s'", argv[0]);
		return CMD_FAILED;
	}
	r = arg_program ? train_find_program(arg_program, &t.program) : 0;
	if (r < 0) {
		log_errno(r, "cannot find the program '%s'", arg_program);
		return CMD_FAILED;
	}
	if (find_user(&t) < 0)
		return CMD_FAILED;
	if (arg_for_s)
		arg_window_ms = arg_for_s * 1000;
	if (arg_until_exit)
		arg_window_ms = LIMIT_WINDOW_MS;
	if (run_all(&t) < 0 || add_fingerprints(&t) < 0 || write_profile(&t, &path) < 0)
		return CMD_FAILED;
	print_summary(&t, path);
	return CMD_DONE;
}

/* Before the profile: its compile is what a waiting test or script looks for. */
static int put_own(const struct training *t, const struct trace_result *result)
{
	_cleanup_(store_done) struct store store = { 0 };
	int r = store_open(arg_root, false, &store);

	if (r == 0)
		r = train_own_put(&store, result, t->why == BOOT_TRAIN_FEW);
	if (r == 0)
		r = train_blocks_add(&store, result);
	if (r < 0)
		return log_errno(r, "cannot note this machine's own files");
	return 0;
}

static int record_system(struct training *t)
{
	_cleanup_free_ char *path = NULL;
	struct trace_result result;
	int r = train_system_record(arg_window_ms, arg_light, &t->program, &result,
				    &t->report);

	if (r < 0)
		return r;
	if (arg_auto)
		train_auto_step_back();
	r = add_run(t, &result);
	if (r == 0 && arg_install && strcmp(arg_scenario, SCENARIO_BOOT) == 0)
		r = put_own(t, &result);
	trace_result_done(&result);
	if (r == 0)
		r = write_profile(t, &path);
	if (r == 0)
		print_summary(t, path);
	return r;
}

static int train_system(void)
{
	_cleanup_(training_done) struct training t = { .why = BOOT_TRAIN_ENOUGH };

	arg_window_ms = arg_for_s * 1000;
	return record_system(&t) < 0 ? CMD_FAILED : CMD_DONE;
}

static int train_auto(void)
{
	_cleanup_(training_done) struct training t = { 0 };
	_cleanup_(store_done) struct store store = { 0 };
	int r = cmd_open_store(&store);

	if (r < 0)
		return CMD_FAILED;
	t.why = train_auto_why(&store);
	if (!boot_train_is_due(t.why))
		return CMD_DONE;
	arg_window_ms = arg_for_s * 1000;
	r = record_system(&t);
	/* A unit that has failed is for what somebody can put right. */
	return r < 0 && train_auto_note_failure(&store, r) ? CMD_FAILED : CMD_DONE;
}

/* What is not started by us. */
static int train_running(void)
{
	_cleanup_(training_done) struct training t = { 0 };
	_cleanup_free_ char *path = NULL;
	struct trace_result result;
	int r;

	if (arg_for_s)
		arg_window_ms = arg_for_s * 1000;
	arg_runs = 1;
	r = arg_unit ? train_unit_record(arg_unit, arg_window_ms, &result)
		     : train_pid_record(arg_pid, &result);
	if (r < 0)
		return CMD_FAILED;
	t.n_settled = result.settled;
	t.n_cut = t.n_reading = result.cut;
	note_left_out(&t, &result);
	r = take_run(&t, 1, &result);
	trace_result_done(&result);
	if (r < 0 || add_fingerprints(&t) < 0 || write_profile(&t, &path) < 0)
		return CMD_FAILED;
	print_summary(&t, path);
	return CMD_DONE;
}

static int check_usage(bool has_command)
{
	if (arg_unit || arg_pid) {
		const char *option = arg_unit ? "--unit" : "--pid";

		if (has_command)
			return cmd_usage_error(&cmd_train, "%s runs no command", option);
		if (arg_system || (arg_unit && arg_pid))
			return cmd_usage_error(&cmd_train, "%s and %s cannot both be",
					       option, arg_system ? "--system" : "--pid");
		if (arg_of_run)
			return cmd_usage_error(&cmd_train, "%s is for commands",
					       arg_of_run);
		has_command = true;
	}
	if (arg_json && arg_output && strcmp(arg_output, "-") == 0)
		return cmd_usage_error(&cmd_train,
				       "--json and the profile cannot both go to "
				       "standard output");
	if (!arg_system && arg_light)
		return cmd_usage_error(&cmd_train, "--light is for --system");
	if (!arg_system)
		return has_command ? -1 : cmd_usage_error(&cmd_train, "no command given");
	if (has_command)
		return cmd_usage_error(&cmd_train, "--system runs no command");
	if (arg_of_command)
		return cmd_usage_error(&cmd_train, "%s is not for --system",
				       arg_of_command);
	if (!arg_for_s)
		return cmd_usage_error(&cmd_train, "--system needs --for=SECONDS");
	return -1;
}

static bool parse_portable(const char *text)
{
	static const char *const levels[] = {
		[FINGERPRINT_NONE] = "no",
		[FINGERPRINT_SIZES] = "sizes",
		[FINGERPRINT_KEYS] = "keys",
	};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (strcmp(text, levels[i]) == 0) {
			arg_portable = (enum fingerprint_level)i;
			return true;
		}
	return false;
}

static bool parse_seconds(const char *text)
{
	unsigned ms;

	if (strlen(text) > 4 || !cmd_parse_ms(text, &ms) || ms > LIMIT_WINDOW_MS / 1000)
		return false;
	arg_for_s = ms;
	return true;
}

static bool parse_pid(const char *text)
{
	unsigned long x;
	char *end;

	errno = 0;
	x = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || x == 0 || x > INT_MAX)
		return false;
	arg_pid = (pid_t)x;
	return true;
}

/* They exclude each other. */
static int take_window(const char *option)
{
	if (arg_window && strcmp(arg_window, option) != 0)
		return cmd_usage_error(&cmd_train, "%s and %s cannot both be", arg_window,
				       option);
	arg_window = option;
	return -1;
}

static int handle_option(int c)
{
	int r;

	switch (c) {
	case 'S':
		arg_system = true;
		return -1;
	case 'f':
		r = take_window("--for");
		if (r >= 0)
			return r;
		if (!parse_seconds(optarg))
			return cmd_usage_error(&cmd_train, "bad time '%s' (1 to %u s)",
					       optarg, LIMIT_WINDOW_MS / 1000);
		return -1;
	case 'n':
		arg_of_command = arg_of_run = "--runs";
		if (!parse_runs(optarg))
			return cmd_usage_error(&cmd_train,
					       "bad number of runs '%s' (1 to %u)", optarg,
					       LIMIT_PROFILE_RUNS);
		return -1;
	case 'w':
		arg_of_command = "--window";
		r = take_window("--window");
		if (r >= 0)
			return r;
		if (!cmd_parse_ms(optarg, &arg_window_ms))
			return cmd_usage_error(&cmd_train, "bad window '%s' (1 to %u ms)",
					       optarg, LIMIT_WINDOW_MS);
		return -1;
	case 's':
		if (!is_scenario(optarg))
			return cmd_usage_error(&cmd_train, "bad scenario '%s'", optarg);
		arg_scenario = optarg;
		return -1;
	case 'p':
		arg_of_command = "--portable";
		if (!parse_portable(optarg))
			return cmd_usage_error(&cmd_train,
					       "bad --portable '%s' (no, sizes, keys)",
					       optarg);
		return -1;
	case 'o':
		arg_output = optarg;
		return -1;
	case 'i':
		arg_of_command = arg_of_run = "--interactive";
		arg_interactive = true;
		return -1;
	default:
		return cmd_common_option(&cmd_train, c);
	}
}

static int run(int argc, char *argv[])
{
	enum {
		OPT_INSTALL = OPT_VERB,
		OPT_AS_ROOT,
		OPT_LIGHT,
		OPT_AUTO,
		OPT_FAILED,
		OPT_EXIT,
		OPT_PROGRAM,
		OPT_UNIT,
		OPT_PID
	};
	static const struct option options[] = {
		{ "runs", required_argument, NULL, 'n' },
		{ "window", required_argument, NULL, 'w' },
		{ "scenario", required_argument, NULL, 's' },
		{ "output", required_argument, NULL, 'o' },
		{ "portable", required_argument, NULL, 'p' },
		{ "interactive", no_argument, NULL, 'i' },
		{ "install", no_argument, NULL, OPT_INSTALL },
		{ "as-root", no_argument, NULL, OPT_AS_ROOT },
		{ "system", no_argument, NULL, 'S' },
		{ "for", required_argument, NULL, 'f' },
		{ "light", no_argument, NULL, OPT_LIGHT },
		{ "auto", no_argument, NULL, OPT_AUTO },
		{ "allow-failed", no_argument, NULL, OPT_FAILED },
		{ "until-exit", no_argument, NULL, OPT_EXIT },
		{ "program", required_argument, NULL, OPT_PROGRAM },
		{ "unit", required_argument, NULL, OPT_UNIT },
		{ "pid", required_argument, NULL, OPT_PID },
		COMMON_LONGOPTS,
	};
	int c, r;

	while ((c = getopt_long(argc, argv, "+n:o:i" COMMON_SHORTOPTS, options, NULL)) >=
	       0) {
		if (c == OPT_INSTALL) {
			arg_install = true;
			continue;
		}
		if (c == OPT_LIGHT) {
			arg_light = true;
			continue;
		}
		if (c == OPT_AUTO) {
			arg_auto = true;
			continue;
		}
		if (c == OPT_FAILED) {
			arg_of_command = arg_of_run = "--allow-failed";
			arg_allow_failed = true;
			continue;
		}
		if (c == OPT_EXIT) {
			arg_of_command = arg_of_run = "--until-exit";
			arg_until_exit = true;
			r = take_window(arg_of_command);
			if (r >= 0)
				return r;
			continue;
		}
		if (c == OPT_UNIT) {
			arg_unit = optarg;
			continue;
		}
		if (c == OPT_PID) {
			if (!parse_pid(optarg))
				return cmd_usage_error(&cmd_train, "bad process '%s'",
						       optarg);
			continue;
		}
		if (c == OPT_PROGRAM) {
			arg_of_command = arg_of_run = "--program";
			arg_program = optarg;
			continue;
		}
		if (c == OPT_AS_ROOT) {
			arg_of_command = arg_of_run = "--as-root";
			arg_as_root = true;
			continue;
		}
		r = handle_option(c);
		if (r >= 0)
			return r;
	}
	if (arg_auto && (arg_system || arg_light || arg_install || arg_scenario))
		return cmd_usage_error(&cmd_train,
				       "--auto is --system --light --install by itself");
	if (arg_auto) {
		arg_system = arg_light = arg_install = true;
		arg_for_s = arg_for_s ? arg_for_s : AUTO_S;
	}
	r = check_usage(optind < argc);
	if (r >= 0)
		return r;
	if (!arg_scenario && arg_system)
		arg_scenario = SCENARIO_BOOT;
	if (arg_auto)
		return train_auto();
	if (arg_system)
		return train_system();
	if (arg_unit || arg_pid)
		return train_running();
	return train(argv + optind);
}

const struct cmd cmd_train = {
	.name = "train",
	.args = "[-n RUNS] [--window=MS|--for=SECONDS|--until-exit] [--program=PATH] "
		"[--scenario=NAME] [-o FILE] [--portable=HOW] [--install] [-i] [--as-root] "
		"[--allow-failed] -- CMD...\n"
		"       elfcast train --pid=PID|--unit=NAME [--scenario=NAME] [-o FILE] "
		"[--portable=HOW] [--install]\n"
		"       elfcast train --system --for=SECONDS [--light] [--scenario=NAME] "
		"[-o FILE] [--install]\n"
		"       elfcast train --auto [--for=SECONDS]",
	.summary = "run a command several times, record its launch, write a profile",
	.options =
		"  -n, --runs=RUNS     how often to run it; default 5\n"
		"      --window=MS     how long a launch is, at most; default 30000\n"
		"      --for=SECONDS   so long, also when nothing new is read any more\n"
		"      --until-exit    until all that it has started has ended\n"
		"      --program=PATH  the profile is of this program, which CMD starts\n"
		"      --scenario=NAME of several usage patterns of a program\n"
		"  -o, --output=FILE   default PROGRAM.json; - for standard output\n"
		"      --portable=HOW  what it keeps for other builds of its files: no, "
		"sizes "
		"or\n"
		"                      keys; default keys\n"
		"      --install       put it under /etc/elfcast/profiles.d and compile\n"
		"      --pid=PID       what runs already, and all that it has started\n"
		"      --unit=NAME     start this unit of systemd, and record it\n"
		"      --system        record all that this machine reads from local "
		"disks; scenario "
		"boot\n"
		"      --light         slow nothing down, and see less exactly\n"
		"      --auto          record this boot, if that is due, and install\n"
		"  -i, --interactive   CMD has this terminal; default: /dev/null\n"
		"      --as-root       root runs CMD, not who called sudo\n"
		"      --allow-failed  take runs that end with another status than 0\n",
	.run = run,
};
