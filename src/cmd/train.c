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
#include <unistd.h>

#include "bounds.h"
#include "cmd.h"
#include "log.h"
#include "output-file.h"
#include "search-path.h"
#include "shadow-format.h"
#include "store.h"
#include "train-again.h"
#include "train-auto.h"
#include "train-method.h"
#include "train-own.h"
#include "train-private.h"
#include "train-running.h"
#include "train-system.h"
#include "training.h"

#define DEFAULT_RUNS	  5
#define DEFAULT_WINDOW_MS 30000 /* at most: it ends by itself */
#define AUTO_S		  60	/* a boot, if nobody ends it earlier */

unsigned arg_runs = DEFAULT_RUNS;
unsigned arg_window_ms = DEFAULT_WINDOW_MS;
const char *arg_scenario, *arg_output, *arg_program;
bool arg_install, arg_interactive, arg_allow_failed, arg_system, arg_light, arg_until_exit;
unsigned arg_for_s;
enum fingerprint_level arg_portable = FINGERPRINT_FUNCTIONS;
enum trace_method arg_method = TRACE_UFFD;
static bool arg_as_root, arg_auto, arg_again, arg_stale, arg_dry_run;
/* Option that says when a launch ends; NULL: it does by itself. */
static const char *arg_window;
static const char *arg_unit; /* to be started */
static pid_t arg_pid;	     /* that runs already; 0: not given */
/* Options that make no sense with --system, and those that do for commands alone: the last seen. */
static const char *arg_of_command, *arg_of_run;

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

/* How it was trained, for train --again. */
static int note_command(const struct training *t)
{
	_cleanup_(name_list_done) struct name_list options = { 0 };
	char text[LIMIT_PATH_BYTES + 32];
	int r = 0;

	if (arg_for_s)
		snprintf(text, sizeof(text), "--for=%u", arg_for_s);
	else if (!arg_until_exit)
		snprintf(text, sizeof(text), "--window=%u", arg_window_ms);
	else
		strcpy(text, "--until-exit");
	if (arg_for_s || arg_until_exit || arg_window_ms != DEFAULT_WINDOW_MS)
		r = name_list_add(&options, text);
	if (r == 0 && arg_program) {
		snprintf(text, sizeof(text), "--program=%s", t->program);
		r = name_list_add(&options, text);
	}
	if (r == 0 && arg_allow_failed)
		r = name_list_add(&options, "--allow-failed");
	if (r == 0 && arg_as_root)
		r = name_list_add(&options, "--as-root");
	if (r == 0 && arg_method != TRACE_UFFD) {
		snprintf(text, sizeof(text), "--method=%s", trace_method_name(arg_method));
		r = name_list_add(&options, text);
	}
	if (r == 0)
		r = train_again_note(t->profile, t->argv, &options, train_is_public());
	return r < 0 ? log_errno(r, "cannot keep the command") : 0;
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
	r = train_run_all(&t);
	if (r == 0)
		r = train_sign_launch(&t);
	if (r == -EINTR)
		return CMD_INTERRUPTED;
	if (r < 0 || note_command(&t) < 0 || train_write_profile(&t, &path) < 0)
		return CMD_FAILED;
	train_print_summary(&t, path);
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
	r = train_add_run(t, &result);
	if (r == 0 && arg_install && strcmp(arg_scenario, SCENARIO_BOOT) == 0)
		r = put_own(t, &result);
	trace_result_done(&result);
	if (r == 0)
		r = train_write_profile(t, &path);
	if (r == 0)
		train_print_summary(t, path);
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
	train_note_left_out(&t, &result);
	r = train_take_run(&t, 1, &result);
	trace_result_done(&result);
	if (r < 0 || train_sign(&t, NULL) < 0 || train_write_profile(&t, &path) < 0)
		return CMD_FAILED;
	train_print_summary(&t, path);
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

/* Before anything is run for it. */
static int check_output(void)
{
	_cleanup_(store_done) struct store store = { 0 };
	int r;

	/* Who may not record it in the first place is told that. */
	if (arg_system && geteuid() != 0)
		return 0;
	r = arg_install ? store_open(arg_root, false, &store) : 0;
	if (r < 0)
		return log_errno(r, "cannot open root '%s'", arg_root ? arg_root : "/");
	r = arg_install ? store_may_put_profiles(&store) : 0;
	if (r == -EACCES)
		log_error("cannot install profiles: only root may");
	else if (r < 0)
		log_errno(r, "cannot install profiles");
	if (r < 0)
		return r;
	if (!arg_output && !arg_install && access(".", W_OK) < 0)
		return log_errno(-errno, "cannot write a profile into this directory");
	if (!arg_output || strcmp(arg_output, "-") == 0)
		return 0;
	r = output_file_may_write(arg_output);
	if (r < 0)
		log_error("cannot write '%s': %s", arg_output, output_file_error(r));
	return r;
}

static bool parse_portable(const char *text)
{
	static const char *const levels[] = {
		[FINGERPRINT_NONE] = "no",
		[FINGERPRINT_SIZES] = "sizes",
		[FINGERPRINT_KEYS] = "keys",
		[FINGERPRINT_FUNCTIONS] = "functions",
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
		if (!cmd_is_scenario(optarg))
			return cmd_usage_error(&cmd_train, "bad scenario '%s'", optarg);
		arg_scenario = optarg;
		return -1;
	case 'p':
		arg_of_command = "--portable";
		if (!parse_portable(optarg))
			return cmd_usage_error(&cmd_train,
					       "bad --portable '%s' (no, sizes, keys, "
					       "functions)",
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

/* One that says how a profile is made: --again makes it as it was, but for --runs. */
static const char *find_other_option(void)
{
	const struct {
		bool is_given;
		const char *name;
	} others[] = {
		{ arg_system, "--system" },   { arg_auto, "--auto" },
		{ arg_unit, "--unit" },	      { arg_pid, "--pid" },
		{ arg_install, "--install" }, { arg_scenario, "--scenario" },
		{ arg_output, "--output" },   { arg_root, "--root" },
		{ arg_json, "--json" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i].is_given)
			return others[i].name;
	return arg_of_command && strcmp(arg_of_command, "--runs") != 0 ? arg_of_command
								       : NULL;
}

static int run_again(int n, char *const programs[])
{
	const char *other = find_other_option();
	char runs[32];

	if (other)
		return cmd_usage_error(&cmd_train,
				       "%s does not go with %s, which takes programs, "
				       "--runs and --dry-run",
				       other, arg_stale ? "--stale" : "--again");
	/* Behind a program they would be programs, and the first one trained by then. */
	for (int i = 0; i < n; i++)
		if (programs[i][0] == '-')
			return cmd_usage_error(&cmd_train,
					       "options come before programs: '%s'",
					       programs[i]);
	snprintf(runs, sizeof(runs), "--runs=%u", arg_runs);
	return train_again(&(struct train_again){ .only_stale = arg_stale,
						  .dry_run = arg_dry_run,
						  .runs = arg_of_command ? runs : NULL,
						  .n_programs = n,
						  .programs = programs });
}

enum {
	OPT_INSTALL = OPT_VERB,
	OPT_AS_ROOT,
	OPT_LIGHT,
	OPT_AUTO,
	OPT_FAILED,
	OPT_EXIT,
	OPT_PROGRAM,
	OPT_UNIT,
	OPT_PID,
	OPT_AGAIN,
	OPT_STALE,
	OPT_DRY_RUN,
	OPT_METHOD
};

/* One that makes sense with a command alone: NAME is remembered for messages. */
static void set_of_run(const char *name, bool *flag)
{
	arg_of_command = arg_of_run = name;
	*flag = true;
}

/* Options without a letter, and all others. -1: go on; else the exit status. */
static int take_option(int c)
{
	switch (c) {
	case OPT_INSTALL:
		arg_install = true;
		return -1;
	case OPT_LIGHT:
		arg_light = true;
		return -1;
	case OPT_AUTO:
		arg_auto = true;
		return -1;
	case OPT_FAILED:
		set_of_run("--allow-failed", &arg_allow_failed);
		return -1;
	case OPT_AS_ROOT:
		set_of_run("--as-root", &arg_as_root);
		return -1;
	case OPT_EXIT:
		set_of_run("--until-exit", &arg_until_exit);
		return take_window(arg_of_command);
	case OPT_PROGRAM:
		arg_of_command = arg_of_run = "--program";
		arg_program = optarg;
		return -1;
	case OPT_METHOD:
		arg_of_command = arg_of_run = "--method";
		return train_method_parse(optarg, &arg_method)
			       ? -1
			       : cmd_usage_error(&cmd_train,
						 "bad method '%s' (uffd, pte, pagemap, "
						 "exit, residency, filemap, faults)",
						 optarg);
	case OPT_UNIT:
		arg_unit = optarg;
		return -1;
	case OPT_PID:
		return parse_pid(optarg)
			       ? -1
			       : cmd_usage_error(&cmd_train, "bad process '%s'", optarg);
	case OPT_AGAIN:
		arg_again = true;
		return -1;
	case OPT_STALE:
		arg_again = arg_stale = true;
		return -1;
	case OPT_DRY_RUN:
		arg_dry_run = true;
		return -1;
	default:
		return handle_option(c);
	}
}

static int take_options(int argc, char *argv[])
{
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
		{ "again", no_argument, NULL, OPT_AGAIN },
		{ "stale", no_argument, NULL, OPT_STALE },
		{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
		{ "method", required_argument, NULL, OPT_METHOD },
		COMMON_LONGOPTS,
	};
	int c, r = -1;

	while (r < 0 &&
	       (c = getopt_long(argc, argv, "+n:o:i" COMMON_SHORTOPTS, options, NULL)) >= 0)
		r = take_option(c);
	return r;
}

static int run(int argc, char *argv[])
{
	int r = take_options(argc, argv);

	if (r >= 0)
		return r;
	if (arg_again)
		return run_again(argc - optind, argv + optind);
	if (arg_dry_run)
		return cmd_usage_error(&cmd_train, "--dry-run is for --again and --stale");
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
	if (!arg_auto && check_output() < 0)
		return CMD_FAILED;
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
		"[--allow-failed] [--method=HOW] -- CMD...\n"
		"       elfcast train --pid=PID|--unit=NAME [--scenario=NAME] [-o FILE] "
		"[--portable=HOW] [--install]\n"
		"       elfcast train --system --for=SECONDS [--light] [--scenario=NAME] "
		"[-o FILE] [--install]\n"
		"       elfcast train --auto [--for=SECONDS]\n"
		"       elfcast train --again|--stale [--runs=RUNS] [--dry-run] "
		"[PROGRAM...]",
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
		"sizes,\n"
		"                      keys or functions; default functions\n"
		"      --method=HOW    how it is recorded: uffd (default), pte, pagemap, "
		"exit,\n"
		"                      residency, filemap, faults\n"
		"      --install       put it under /etc/elfcast/profiles.d and compile\n"
		"      --pid=PID       what runs already, and all that it has started\n"
		"      --unit=NAME     start this unit of systemd, and record it\n"
		"      --system        record all that this machine reads from local "
		"disks; scenario "
		"boot\n"
		"      --light         slow nothing down, and see less exactly\n"
		"      --auto          record this boot, if that is due, and install\n"
		"      --again         as this machine's own profiles were trained before\n"
		"      --stale         of these, those whose files are other builds now\n"
		"      --dry-run       only print what --again and --stale would run\n"
		"  -i, --interactive   CMD has this terminal; default: /dev/null\n"
		"      --as-root       root runs CMD, not who called sudo\n"
		"      --allow-failed  take runs that end with another status than 0\n",
	.run = run,
};
