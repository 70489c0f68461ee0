/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast disable, enable, remove: what the administrator decides of one program, and the shadows,
 * the pack and the bundle brought in line with it at once.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "config.h"
#include "json-out.h"
#include "known.h"
#include "log.h"
#include "reconcile.h"

#define LOCK_TIMEOUT_MS 30000

static const char *arg_scenario;

/* What VERB does with one NAME; sets *RET_CHANGED where there is something new to compile. */
typedef int (*handle)(const struct store *s, const struct known *k, const char *name,
		      bool *ret_changed);

/*
 * Into /var, as compile does, also where all is read from an image's /usr so far. Whatever is to be retargeted
 * waits for who has the time.
 */
static int bring_in_line(void)
{
	_cleanup_(store_done) struct store s = { .rootfd = -1 };
	const struct reconcile_options options = {
		.storage_override = -1,
		.rank = true,
		.lock_timeout_ms = LOCK_TIMEOUT_MS,
	};
	struct reconcile_result result;
	int r = store_open(arg_root, false, &s);

	if (r == 0)
		r = reconcile_run(&s, &options, &result);
	return r < 0 ? log_errno(r, "cannot bring the shadows of '%s' up to date",
				 arg_root ? arg_root : "/")
		     : 0;
}

static int log_written(int error, const char *path)
{
	if (error == -EACCES || error == -EPERM)
		log_error("cannot change '%s': only root may", path);
	else
		log_errno(error, "cannot change '%s'", path);
	return error;
}

static int handle_all(const struct cmd *cmd, handle each, int n, char *const names[])
{
	_cleanup_(store_done) struct store s = { .rootfd = -1 };
	_cleanup_(known_done) struct known k = { 0 };
	bool any_changed = false, failed = false;
	int r = cmd_open_store(&s);

	if (r < 0)
		return CMD_FAILED;
	r = known_load(&s, &k);
	if (r < 0)
		return CMD_FAILED;
	if (arg_json) {
		json_open(NULL, '{');
		json_open(cmd->name, '[');
	}
	for (int i = 0; i < n; i++) {
		bool changed = false;

		failed |= each(&s, &k, names[i], &changed) < 0;
		any_changed |= changed;
	}
	if (arg_json) {
		json_close(']');
		json_close('}');
	}
	if (any_changed)
		failed |= bring_in_line() < 0;
	return failed ? CMD_FAILED : CMD_DONE;
}

static int run(const struct cmd *cmd, handle each, bool has_scenario, int argc,
	       char *argv[])
{
	enum { OPT_SCENARIO = OPT_VERB };
	static const struct option with_scenario[] = {
		{ "scenario", required_argument, NULL, OPT_SCENARIO },
		COMMON_LONGOPTS,
	};
	const struct option *options = has_scenario ? with_scenario : with_scenario + 1;
	int c, r;

	while ((c = getopt_long(argc, argv, COMMON_SHORTOPTS, options, NULL)) >= 0) {
		if (c == OPT_SCENARIO) {
			arg_scenario = optarg;
			continue;
		}
		r = cmd_common_option(cmd, c);
		if (r >= 0)
			return r;
	}
	if (optind == argc)
		return cmd_usage_error(cmd, "no program given");
	return handle_all(cmd, each, argc - optind, argv + optind);
}

/* ---- disable, enable ---- */

static size_t count_profiles(const struct known *k, const char *program)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		n += k->items[i].shadow.data &&
		     strcmp(known_file(&k->items[i]), program) == 0;
	return n;
}

static int set_disabled(const struct store *s, const char *program, bool disable,
			bool *ret_changed)
{
	/* Who disables another program now shall not lose this one. */
	_cleanup_close_ int lock = store_lock_profiles(s, LOCK_TIMEOUT_MS);
	char path[512];
	int r = lock < 0 ? lock : config_disable(s, program, disable, ret_changed);

	store_path(s, STORE_DISABLED, NULL, path, sizeof(path));
	if (r < 0)
		*ret_changed = false;
	if (r == -EINVAL)
		log_error("'%s' has a character that '%s' cannot hold", program, path);
	else if (r < 0)
		log_written(r, path);
	return r;
}

static int disable(const struct store *s, const struct known *k, const char *name,
		   bool *ret_changed)
{
	_cleanup_free_ char *program = NULL;
	int r = known_find_program(s, k, name, &program);

	if (r == 0)
		r = set_disabled(s, program, true, ret_changed);
	if (r < 0)
		return r;
	if (arg_json)
		json_string(NULL, program);
	if (!*ret_changed)
		log_info("'%s' was disabled already", program);
	else
		log_info("'%s' is disabled: it is not read ahead at boot or when it is "
			 "launched; 'elfcast enable %s' undoes that",
			 program, name);
	if (count_profiles(k, program) == 0)
		log_warning("there is no profile of '%s'", program);
	return 0;
}

/* The program, or all profiles of it, may have been removed since. */
static int find_disabled(const struct store *s, const struct known *k, const char *name,
			 char **ret)
{
	int r = config_find_disabled(s, name, ret);

	if (r == 0 || r == -ENOMEM)
		return r;
	if (r == -ENOTUNIQ)
		return log_errno(r, "several disabled programs are called '%s', use a path",
				 name);
	return known_find_program(s, k, name, ret);
}

static int enable(const struct store *s, const struct known *k, const char *name,
		  bool *ret_changed)
{
	_cleanup_free_ char *program = NULL;
	_cleanup_(config_done) struct config c = { 0 };
	int r = find_disabled(s, k, name, &program);

	if (r == 0)
		r = set_disabled(s, program, false, ret_changed);
	if (r == 0)
		r = config_load(s, &c, NULL, NULL);
	if (r < 0)
		return r;
	if (config_lists(&c.never, program)) {
		log_error("'%s' is still disabled: Never= in '%s' names it", program,
			  store_config_path());
		return -EEXIST;
	}
	if (arg_json)
		json_string(NULL, program);
	log_info(*ret_changed ? "'%s' is enabled" : "'%s' was not disabled", program);
	return 0;
}

/* ---- remove ---- */

/* NAME is that of a profile, with or without ".json". */
static bool is_profile(const struct known_launch *l, const char *name)
{
	const char *profile = known_profile(l);
	size_t n = strlen(name);

	return strncmp(profile, name, n) == 0 &&
	       (!profile[n] || strcmp(profile + n, ".json") == 0);
}

static int remove_one(const struct store *s, const struct known_launch *l)
{
	char path[512];
	int r = store_remove_profile(s, l->file->name);

	store_profile_path(l->file, path, sizeof(path));
	if (r < 0)
		return log_written(r, path);
	if (arg_json)
		json_string(NULL, path);
	log_info("removed '%s'", path);
	return 0;
}

/* PROGRAM NULL: the profile called NAME. */
static int remove_matching(const struct store *s, const struct known *k, const char *name,
			   const char *program, bool *ret_changed)
{
	const struct known_launch *shipped = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < k->n; i++) {
		const struct known_launch *l = &k->items[i];

		if (program ? !l->shadow.data || strcmp(known_file(l), program) != 0
			    : !is_profile(l, name))
			continue;
		if (!l->file ||
		    (arg_scenario && strcmp(known_scenario(l), arg_scenario) != 0))
			continue;
		if (!l->file->from_etc) {
			shipped = l;
			continue;
		}
		r = remove_one(s, l);
		*ret_changed |= r == 0;
	}
	if (r < 0 || *ret_changed)
		return r;
	if (shipped)
		log_error(
			"the profile '%s' belongs to a package: 'elfcast disable %s' keeps "
			"it from being used",
			known_profile(shipped),
			program		       ? name
			: shipped->shadow.data ? known_file(shipped)
					       : "PROGRAM");
	else
		log_error(arg_scenario ? "'%s' has no profile of scenario '%s'"
				       : "'%s' has no profile",
			  program ? program : name, arg_scenario);
	return -ENOENT;
}

static int remove_name(const struct store *s, const struct known *k, const char *name,
		       bool *ret_changed)
{
	_cleanup_free_ char *program = NULL;
	int r;

	for (size_t i = 0; i < k->n; i++)
		if (is_profile(&k->items[i], name))
			return remove_matching(s, k, name, NULL, ret_changed);
	r = known_find_program(s, k, name, &program);
	return r < 0 ? r : remove_matching(s, k, name, program, ret_changed);
}

static int run_disable(int argc, char *argv[])
{
	return run(&cmd_disable, disable, false, argc, argv);
}

static int run_enable(int argc, char *argv[])
{
	return run(&cmd_enable, enable, false, argc, argv);
}

static int run_remove(int argc, char *argv[])
{
	return run(&cmd_remove, remove_name, true, argc, argv);
}

const struct cmd cmd_disable = {
	.name = "disable",
	.args = "PROGRAM...",
	.summary = "do not read programs ahead any more, whoever ships profiles of them",
	.run = run_disable,
};

const struct cmd cmd_enable = {
	.name = "enable",
	.args = "PROGRAM...",
	.summary = "undo disable",
	.run = run_enable,
};

const struct cmd cmd_remove = {
	.name = "remove",
	.args = "[--scenario=S] PROGRAM|PROFILE...",
	.summary = "remove profiles that this machine has of its own",
	.options =
		"      --scenario=S    of a program, only the profiles of this scenario\n",
	.run = run_remove,
};
