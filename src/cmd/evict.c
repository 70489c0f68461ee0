/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast evict: what a program's launch reads leaves memory, to see a cold launch. */
#include <errno.h>
#include <getopt.h>

#include "cmd.h"
#include "cold-files.h"
#include "input.h"
#include "json-out.h"
#include "log.h"

static const char *arg_scenario;

static void print_json(const char *program, const struct cold_files *c)
{
	json_open(NULL, '{');
	json_string("program", program);
	json_uint("files", c->n_used);
	json_uint("pages", c->n_wanted);
	json_uint("pages_visible", c->last.n_visible);
	json_uint("pages_kept", c->last.n_kept);
	json_close('}');
}

static void print_text(const char *program, const struct cold_files *c)
{
	unsigned long long n = c->n_wanted, n_kept = c->last.n_kept;

	if (n_kept > 0)
		log_info("%s: %llu of %llu pages left memory, %llu stay: running programs "
			 "use them, or they lie in memory",
			 program, n - n_kept, n, n_kept);
	else
		log_info(n == 1 ? "%s: its page left memory"
				: "%s: all %llu pages left memory",
			 program, n);
	if (c->n_invisible > 0)
		log_info("of %zu of %zu files only root may see what stayed",
			 c->n_invisible, c->n_used);
}

static int evict_files(const struct store *s, const struct mounts *mounts,
		       const struct launch_shadows *list, const char *program)
{
	_cleanup_(cold_files_done) struct cold_files files = { 0 };
	const char *path = program;
	int r = cold_files_open(list, s, mounts, &files);

	if (r == 0)
		r = cold_files_evict(&files, &path);
	if (r < 0)
		return log_errno(r, "cannot put '%s' out of memory", path);
	if (arg_json)
		print_json(program, &files);
	else
		print_text(program, &files);
	return 0;
}

static int evict(const struct store *s, const struct mounts *mounts, const char *name)
{
	_cleanup_(launch_shadows_done) struct launch_shadows list = { 0 };
	_cleanup_(program_done) struct program_paths program = { 0 };
	int r = program_find(s, name, &program);

	if (r < 0)
		return cmd_log_program(r, name);
	r = input_find_shadows(s, &program, arg_scenario, &list);
	return r < 0 ? r : evict_files(s, mounts, &list, program.launched_as);
}

static int evict_all(int n, char *const names[])
{
	_cleanup_(store_done) struct store s = { .rootfd = -1 };
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	int status = CMD_DONE;

	if (cmd_open_store(&s) < 0 || cmd_load_mounts(&mounts) < 0)
		return CMD_FAILED;
	if (arg_json)
		json_open(NULL, '[');
	for (int i = 0; i < n; i++)
		if (evict(&s, mounts, names[i]) < 0)
			status = CMD_FAILED;
	if (arg_json)
		json_close(']');
	return status;
}

static int run(int argc, char *argv[])
{
	enum { OPT_SCENARIO = OPT_VERB };
	static const struct option options[] = {
		{ "scenario", required_argument, NULL, OPT_SCENARIO },
		COMMON_LONGOPTS,
	};
	int c, r;

	while ((c = getopt_long(argc, argv, COMMON_SHORTOPTS, options, NULL)) >= 0) {
		if (c == OPT_SCENARIO) {
			arg_scenario = optarg;
			continue;
		}
		r = cmd_common_option(&cmd_evict, c);
		if (r >= 0)
			return r;
	}
	if (optind == argc)
		return cmd_usage_error(&cmd_evict, "no program given");
	return evict_all(argc - optind, argv + optind);
}

const struct cmd cmd_evict = {
	.name = "evict",
	.args = "[--scenario=S] PROGRAM...",
	.summary = "put what a program's launch reads out of memory",
	.options =
		"      --scenario=S    the launch trained as S (default: \"default\", else "
		"all)\n",
	.run = run,
};
