/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast bench: does reading ahead gain anything, for this command on this machine? */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include "bench-report.h"
#include "bench-rounds.h"
#include "bench-svg.h"
#include "bounds.h"
#include "cmd.h"
#include "log.h"
#include "search-path.h"
#include "terminal.h"

#define DEFAULT_ROUNDS	  10
#define MAX_ROUNDS	  1000
#define DEFAULT_TIMEOUT_S 60
#define MAX_TIMEOUT_S	  3600

static unsigned arg_rounds = DEFAULT_ROUNDS;
static unsigned arg_timeout_s = DEFAULT_TIMEOUT_S;
static const char *arg_scenario, *arg_svg;
static bool arg_interactive;

/* All that a benchmark borrows. */
struct setting {
	struct store store;
	struct mounts *mounts;
	struct launch_shadows list;
	struct cold_files files;
	char *found; /* what is executed: a link may lead there */
	struct program_paths program;
};

static void setting_done(struct setting *s)
{
	cold_files_done(&s->files);
	launch_shadows_done(&s->list);
	mounts_free(s->mounts);
	store_done(&s->store);
	free(s->found);
	program_done(&s->program);
}

/* ---- what there is to measure ---- */

/* A word as a shell takes it back. */
static void append_quoted(char *text, size_t bytes, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_@%+=:,./-";
	bool is_plain = *word && word[strspn(word, plain)] == 0;
	size_t n = strlen(text);

	n += (size_t)snprintf(text + n, bytes - n, is_plain ? " " : " '");
	for (; *word && n + 8 < bytes; word++)
		n += (size_t)snprintf(text + n, bytes - n, *word == '\'' ? "'\\''" : "%c",
				      *word);
	if (!is_plain && n + 1 < bytes)
		snprintf(text + n, bytes - n, "'");
}

static void tell_how_to_train(const char *program, char *const argv[])
{
	char command[1024] = "";

	for (; *argv && strlen(command) + 16 < sizeof(command); argv++)
		append_quoted(command, sizeof(command), *argv);
	if (arg_scenario)
		log_error("no shadow of '%s' for scenario '%s'; make one: elfcast train "
			  "--install --scenario=%s --%s",
			  program, arg_scenario, arg_scenario, command);
	else
		log_error("no shadow of '%s'; make one: elfcast train --install --%s",
			  program, command);
}

static int find_shadows(struct setting *s, char *const argv[])
{
	int r;

	r = search_path_find(argv[0], &s->found);
	if (r == 0)
		r = program_find(&s->store, argv[0], &s->program);
	if (r < 0)
		return log_errno(r, "cannot run '%s'", argv[0]);
	r = launch_shadows_find(&s->store, &s->program, arg_scenario, &s->list);
	if (r < 0)
		return log_errno(r, "cannot read the shadows of '%s'",
				 s->program.launched_as);
	if (s->list.n_damaged > 0)
		log_warning("%u shadows of '%s' are damaged or of another version; "
			    "'elfcast compile' rebuilds them",
			    s->list.n_damaged, s->program.launched_as);
	if (s->list.n > 0)
		return 0;
	tell_how_to_train(s->program.launched_as, argv);
	return -ENOENT;
}

static int open_files(struct setting *s)
{
	int r;

	r = cmd_load_mounts(&s->mounts);
	if (r < 0)
		return r;
	r = cold_files_open(&s->list, &s->store, s->mounts, &s->files);
	if (r < 0)
		return log_errno(r, "cannot look at the files of '%s'",
				 s->program.launched_as);
	if (s->files.n_wanted > 0)
		return 0;
	log_error("no file of '%s' is as it was compiled; 'elfcast compile' looks at them "
		  "again",
		  s->program.launched_as);
	return -ESTALE;
}

static int prepare(struct setting *s, char *const argv[])
{
	int r;

	r = store_open_compiled(NULL, &s->store);
	if (r < 0)
		return log_errno(r, "cannot open root '/'");
	r = find_shadows(s, argv);
	return r < 0 ? r : open_files(s);
}

/* ---- measuring ---- */

static bool shows_progress(void)
{
	return !arg_interactive && log_get_level() >= LOG_LEVEL_INFO &&
	       isatty(STDERR_FILENO);
}

static void show_progress(unsigned round, enum bench_way way)
{
	enum { WIDTH = 30, TEXT = 32 }; /* what stands beside the bar, at most */
	unsigned columns = terminal_columns(STDERR_FILENO), width, done;

	/* A line that wraps could not be taken back. */
	width = columns < TEXT ? 0 : MIN(columns - TEXT, WIDTH);
	done = (round - 1) * width / arg_rounds;
	fputs("\r\033[K", stderr);
	if (width > 0)
		fprintf(stderr, "[%.*s%*s] ", (int)done, "##############################",
			(int)(width - done), "");
	fprintf(stderr, "round %u of %u: %s ", round, arg_rounds, bench_way_name(way));
}

/*
 * From here on the signals that end a program are to be read from the descriptor; *ret_mask
 * is what the launches get.
 */
static int take_signals(sigset_t *ret_mask)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t ours;
	int fd;

	sigprocmask(SIG_BLOCK, NULL, ret_mask);
	sigemptyset(&ours);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction was;

		/* What the caller ignores (nohup) stays ignored. */
		sigaction(signals[i], NULL, &was);
		if (was.sa_handler != SIG_IGN)
			sigaddset(&ours, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &ours, NULL);
	fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int report(const struct bench *b, const char *program)
{
	const struct bench_report r = {
		.bench = b,
		.program = program,
		.n_rounds_wanted = arg_rounds,
	};
	bool is_whole = b->problem == BENCH_OK || b->problem == BENCH_INTERRUPTED;
	char problem[512];
	int error = 0;

	bench_report_problem(&r, problem, sizeof(problem));
	if (b->problem == BENCH_INTERRUPTED)
		log_warning("%s", problem);
	else if (*problem)
		log_error("%s: not measured", problem);
	if (arg_json)
		error = bench_report_print_json(&r);
	else if (is_whole && b->n_rounds > 0)
		error = bench_report_print(&r);
	if (error < 0) {
		log_errno(error, "cannot report");
		return CMD_FAILED;
	}
	if (!is_whole || b->n_rounds == 0)
		return b->problem == BENCH_INTERRUPTED ? CMD_INTERRUPTED : CMD_FAILED;
	if (arg_svg && bench_svg_write(&r, arg_svg) < 0)
		return CMD_FAILED;
	return b->problem == BENCH_INTERRUPTED ? CMD_INTERRUPTED : CMD_DONE;
}

static int measure(struct setting *s, char *const argv[])
{
	_cleanup_close_ int signals = -1;
	sigset_t mask;
	struct bench b = {
		.launch = { .program = s->found,
			    .argv = argv,
			    .inherit_stdio = arg_interactive,
			    .mask = &mask },
		.limits = { .timeout_ms = arg_timeout_s * 1000 },
		.list = &s->list,
		.store = &s->store,
		.mounts = s->mounts,
		.files = &s->files,
		.on_launch = shows_progress() ? show_progress : NULL,
	};
	int status;

	signals = take_signals(&mask);
	if (signals < 0)
		return log_errno(signals, "cannot take signals"), CMD_FAILED;
	b.limits.interrupt_fd = signals;
	/* What a launch leaves behind comes to us, so that we know of it. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	bench_try(&b);
	bench_run(&b, arg_rounds);
	if (b.on_launch)
		fputs("\r\033[K", stderr);
	status = report(&b, s->program.launched_as);
	bench_done(&b);
	return status;
}

/* ---- command line ---- */

static bool parse_number(const char *text, unsigned max, unsigned *ret)
{
	unsigned long x;
	char *end;

	errno = 0;
	x = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || x == 0 || x > max)
		return false;
	*ret = (unsigned)x;
	return true;
}

enum { OPT_TIMEOUT = OPT_VERB, OPT_SCENARIO, OPT_SVG };

static int handle_option(int c)
{
	switch (c) {
	case 'n':
		if (!parse_number(optarg, MAX_ROUNDS, &arg_rounds))
			return cmd_usage_error(&cmd_bench,
					       "bad number of rounds '%s' (1 to %u)",
					       optarg, MAX_ROUNDS);
		return -1;
	case OPT_TIMEOUT:
		if (!parse_number(optarg, MAX_TIMEOUT_S, &arg_timeout_s))
			return cmd_usage_error(&cmd_bench, "bad timeout '%s' (1 to %u s)",
					       optarg, MAX_TIMEOUT_S);
		return -1;
	case OPT_SCENARIO:
		arg_scenario = optarg;
		return -1;
	case OPT_SVG:
		arg_svg = optarg;
		return -1;
	case 'i':
		arg_interactive = true;
		return -1;
	default:
		return cmd_common_option(&cmd_bench, c);
	}
}

static int run_bench(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "rounds", required_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ "scenario", required_argument, NULL, OPT_SCENARIO },
		{ "svg", required_argument, NULL, OPT_SVG },
		{ "interactive", no_argument, NULL, 'i' },
		COMMON_LONGOPTS,
	};
	_cleanup_(setting_done) struct setting s = { .store = { .rootfd = -1 } };
	int c, r;

	/* "+": what comes after the command's name belongs to the command. */
	while ((c = getopt_long(argc, argv, "+n:i" COMMON_SHORTOPTS, options, NULL)) >= 0) {
		r = handle_option(c);
		if (r >= 0)
			return r;
	}
	if (arg_root && *arg_root)
		return cmd_usage_error(&cmd_bench,
				       "a command runs in this system: no --root here");
	if (arg_json && arg_interactive)
		return cmd_usage_error(&cmd_bench,
				       "--json and the command's output cannot both "
				       "go to standard output");
	if (optind >= argc)
		return cmd_usage_error(&cmd_bench, "no command given");
	if (prepare(&s, argv + optind) < 0)
		return CMD_FAILED;
	return measure(&s, argv + optind);
}

const struct cmd cmd_bench = {
	.name = "bench",
	.args = "[-n ROUNDS] [--timeout=S] [--scenario=S] [--svg=FILE] [-i] -- CMD...",
	.summary = "measure what reading ahead gains for a command on this machine",
	.options =
		"  -n, --rounds=ROUNDS how often each way; default 10, at least 6 for a "
		"verdict\n"
		"      --timeout=S     a launch that takes longer is killed; default 60 s\n"
		"      --scenario=S    the launch trained as S (default: \"default\", else "
		"all)\n"
		"      --svg=FILE      also as a picture\n"
		"  -i, --interactive   CMD has this terminal; default: /dev/null\n",
	.run = run_bench,
};
