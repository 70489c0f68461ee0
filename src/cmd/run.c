/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast run: start a command and, beside it, a helper that reads its pages ahead. The
 * command must not be able to tell: same process, no child, no pipe held open, no delay
 * that matters, and nothing that goes wrong in the helper reaches it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "bounds.h"
#include "child.h"
#include "clock.h"
#include "cmd.h"
#include "command-line.h"
#include "launch-counts.h"
#include "launch-shadows.h"
#include "log.h"
#include "prefetch-launch.h"
#include "run-embedded.h"
#include "skipped.h"
#include "watch-state.h"

/* After a minute the launch has read what it needs by itself. */
#define HELPER_DEADLINE_MS    60000

/* Many may count at this moment, each waiting for the disk; nobody waits for the helper. */
#define COUNT_TIMEOUT_MS      10000
/* What a launch waits on for being closed: descriptor of the helper. */
#define DONE_FD		      3

/* As shells do (POSIX, 2.8.2). */
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND      127

static const char *arg_scenario;
static unsigned arg_wait_ms;

/* Of the interpreter's program that it runs, if there is one with a profile of its own. */
static int find_interpreted(const struct store *s, const struct program_paths *program,
			    char *const argv[], struct launch_shadows *ret)
{
	_cleanup_free_ char *scenario = NULL, *dir = getcwd(NULL, 0);
	int r = dir ? command_line_interpreted(program->launched_as, argv, dir, &scenario)
		    : 0;

	return r < 0 || !scenario ? r : launch_shadows_find(s, program, scenario, ret);
}

/* What was compiled, or else what the program brings itself. */
static int find_shadows(char *const argv[], struct store *s, struct mounts *mounts,
			struct launch_shadows *ret)
{
	_cleanup_(program_done) struct program_paths program = { 0 };
	int r;

	r = store_open_compiled(NULL, s);
	if (r == 0)
		r = program_find(s, argv[0], &program);
	if (r == 0 && !arg_scenario)
		r = find_interpreted(s, &program, argv, ret);
	if (r == 0 && ret->n == 0)
		r = launch_shadows_find(s, &program, arg_scenario, ret);
	if (r == 0 && ret->n == 0) {
		r = run_find_embedded(s, &program, arg_scenario, mounts, ret);
		r = r == -ENOENT || r == -ENOEXEC ? 0 : r;
	}
	return r;
}

/* Where elfcastd runs, that has seen the launch. */
static void count_launch(const struct store *s, const char *program)
{
	struct watch_state w;

	if (watch_state_load(s, &w) == 0 && watch_state_is_running(&w))
		return;
	launch_counts_count_stored(s, program, COUNT_TIMEOUT_MS);
}

/* With --verbose. */
static void tell(const struct shadow_buffer *l, const struct prefetch_launch_report *launch)
{
	const struct prefetch_report *r = &launch->data;

	log_debug("%" PRIu64 " pages of metadata, %" PRIu32 " names looked up",
		  launch->n_place_pages, launch->n_lookups);
	skipped_tell(l, r);
	log_debug("%s (%s): asked for %" PRIu64 " pages of %" PRIu32 " objects in %.1f ms",
		  launch_shadow_program(l), launch_shadow_scenario(l), r->n_pages_asked,
		  r->n_objects_used, (double)r->elapsed_us / 1000);
}

/*
 * The helper's whole life. Silent, unless it is asked; frees nothing, since it ends here. Counting
 * comes last: it writes to a disk, and only where it may.
 */
static void read_ahead(char *const argv[])
{
	const char *command = argv[0];
	struct launch_shadows list = { 0 };
	struct mounts *mounts;
	struct store s;
	int r = mounts_load(&mounts);

	if (r == 0)
		r = find_shadows(argv, &s, mounts, &list);

	if (r < 0)
		log_debug("nothing read ahead for '%s': %s", command, error_text(r));
	else if (list.n == 0)
		log_debug("nothing read ahead for '%s': no profile that is compiled and "
			  "valid, nor one in it",
			  command);
	if (r < 0 || list.n == 0)
		return;
	/* It need not keep the directory it was started in busy. */
	if (chdir("/") < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		struct prefetch_options options = {
			.rootfd = s.rootfd,
			.root_path = s.root_path,
			.deadline_ms = HELPER_DEADLINE_MS,
			.wait = arg_wait_ms > 0,
		};
		struct prefetch_launch_report report;

		if (prefetch_launch(&list.items[i], mounts, &options, &report) == 0)
			tell(&list.items[i], &report);
	}
	if (arg_wait_ms > 0)
		close(DONE_FD);
	count_launch(&s, launch_shadow_file(&list.items[0]));
}

/*
 * Cut all that ties the helper to the command: session, terminal, descriptors. Only DONE,
 * if any, stays open, and becomes DONE_FD: its closing is what the launch waits for. With
 * --verbose standard error stays, too.
 */
static void detach(int done)
{
	bool is_told = log_get_level() >= LOG_LEVEL_DEBUG;
	int err = is_told ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
	int *const kept[] = { &done, &err };

	setsid();
	signal(SIGPIPE, SIG_IGN);
	child_let_go(kept, 2);
	if (err >= 0) {
		dup2(err, STDERR_FILENO);
		close(err);
	}
}

/*
 * Fork twice, so that the helper is init's child and not the command's. The one in between
 * is made without an exit signal: a SIGCHLD that the caller has blocked would stay pending
 * over the exec and surprise the command.
 */
static void start_helper(char *const argv[], int done)
{
	pid_t pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);

	if (pid < 0) {
		log_debug("no process to read ahead: %s", strerror(errno));
		return;
	}
	if (pid == 0) {
		if (fork() == 0) {
			detach(done);
			read_ahead(argv);
		}
		_exit(0);
	}
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

/* Until the helper has closed its end, but no longer than was asked for. */
static void wait_helper(int in)
{
	struct pollfd p = { .fd = in };

	clock_poll(&p, 1, clock_in_ms(arg_wait_ms));
}

static void prefetch_beside(char *const argv[])
{
	int pipes[2] = { -1, -1 };

	if (arg_wait_ms > 0 && pipe2(pipes, O_CLOEXEC) < 0)
		log_debug("no pipe to wait on: %s", strerror(errno));
	start_helper(argv, pipes[1]);
	if (pipes[1] < 0)
		return;
	close(pipes[1]);
	wait_helper(pipes[0]);
	close(pipes[0]);
}

enum { OPT_SCENARIO = OPT_VERB, OPT_WAIT };

static int run_run(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "scenario", required_argument, NULL, OPT_SCENARIO },
		{ "wait", required_argument, NULL, OPT_WAIT },
		COMMON_LONGOPTS,
	};
	int c, r;

	/* "+": what comes after the command's name belongs to the command. */
	while ((c = getopt_long(argc, argv, "+" COMMON_SHORTOPTS, options, NULL)) >= 0) {
		switch (c) {
		case OPT_SCENARIO:
			arg_scenario = optarg;
			break;
		case OPT_WAIT:
			if (!cmd_parse_ms(optarg, &arg_wait_ms))
				return cmd_usage_error(&cmd_run,
						       "'%s' is not a time in ms (1 to %u)",
						       optarg, LIMIT_WINDOW_MS);
			break;
		default:
			r = cmd_common_option(&cmd_run, c);
			if (r >= 0)
				return r;
		}
	}
	if (arg_root && *arg_root)
		return cmd_usage_error(&cmd_run,
				       "a command runs in this system: no --root here");
	if (optind >= argc)
		return cmd_usage_error(&cmd_run, "no command given");
	prefetch_beside(argv + optind);
	execvp(argv[optind], argv + optind);
	r = -errno;
	log_errno(r, "cannot execute '%s'", argv[optind]);
	return r == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

const struct cmd cmd_run = {
	.name = "run",
	.args = "[OPTION...] [--] CMD...",
	.summary = "run a command and read its pages ahead",
	.options = "      --scenario=S    the launch trained as S (default: \"default\", "
		   "else all)\n"
		   "      --wait=MS       read ahead first, for at most MS; without, "
		   "beside the launch\n",
	.run = run_run,
};
