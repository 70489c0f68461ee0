/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"
#include "json-out.h"
#include "log.h"
#include "mounts.h"
#include "reconcile.h"
#include "storage.h"

/* A second compile waits for the first: people who type it want the result. */
#define LOCK_TIMEOUT_MS 30000
/* CPU time a process: a tenth of a second for a large program, of which few have changed. */
#define RETARGET_MS	20000

static bool arg_usr, arg_strict, arg_force, arg_dry_run;
static int arg_storage = -1;

/* With --json the problems are in the result, in place of warnings. */
static void on_problem(const char *path, const struct diag *d, _unused_ void *userdata)
{
	if (!arg_json) {
		log_diag(path, d);
		return;
	}
	json_open(NULL, '{');
	json_string("path", path);
	json_uint("line", d->line);
	json_uint("column", d->column);
	json_string("message", d->message);
	json_close('}');
}

static void on_plan(const char *path, const char *why, _unused_ void *userdata)
{
	if (arg_dry_run && !arg_json)
		log_info("%s: %s", path, why);
	else if (!arg_json)
		log_debug("%s: %s", path, why);
}

static void print_result(const struct reconcile_result *r)
{
	if (arg_json) {
		json_uint("profiles", r->n_profiles);
		json_uint("compiled", r->n_compiled);
		json_uint("unchanged", r->n_unchanged);
		json_uint("removed", r->n_removed);
		json_uint("bad", r->n_bad);
		json_uint("deferred", r->n_deferred);
		json_open("pack", '{');
		json_uint("programs", r->pack.n_launches);
		json_uint("pages", r->pack.n_pages);
		json_bool("written", r->pack.written);
		json_close('}');
		json_close('}');
		return;
	}
	if (arg_dry_run) {
		log_info(
			"%u profile%s: %u to compile, %u unchanged, %u bad; %u shadow%s to "
			"remove",
			r->n_profiles, r->n_profiles == 1 ? "" : "s", r->n_compiled,
			r->n_unchanged, r->n_bad, r->n_removed,
			r->n_removed == 1 ? "" : "s");
		return;
	}
	log_info("%u profile%s: %u compiled, %u unchanged, %u bad; %u shadow%s removed",
		 r->n_profiles, r->n_profiles == 1 ? "" : "s", r->n_compiled,
		 r->n_unchanged, r->n_bad, r->n_removed, r->n_removed == 1 ? "" : "s");
	log_debug("for boot: %u launch%s, %.1f MiB%s", r->pack.n_launches,
		  r->pack.n_launches == 1 ? "" : "es", (double)r->pack.n_pages / 256,
		  r->pack.written ? "" : ", as before");
}

static int compile(void)
{
	const struct reconcile_options options = {
		.storage_override = arg_storage,
		.force = arg_force,
		.rank = true,
		.lock_timeout_ms = LOCK_TIMEOUT_MS,
		.retarget_ms = RETARGET_MS,
		.dry_run = arg_dry_run,
		.on_plan = on_plan,
		.on_problem = on_problem,
	};
	_cleanup_(store_done) struct store store = { 0 };
	struct reconcile_result result;
	int r = store_open(arg_root, arg_usr, &store);

	if (r < 0) {
		log_errno(r, "cannot open root '%s'", arg_root ? arg_root : "/");
		return CMD_FAILED;
	}
	if (arg_json) {
		json_open(NULL, '{');
		json_open("problems", '[');
	}
	r = reconcile_run(&store, &options, &result);
	if (arg_json)
		json_close(']');
	if (r < 0) {
		if (arg_json)
			json_close('}');
		log_errno(r, "cannot bring the shadows of '%s' up to date",
			  store.root_path);
		return CMD_FAILED;
	}
	print_result(&result);
	return arg_strict && result.n_bad > 0 ? CMD_FAILED : CMD_DONE;
}

static int run(int argc, char *argv[])
{
	enum { OPT_USR = OPT_VERB, OPT_STRICT, OPT_FORCE, OPT_STORAGE, OPT_DRY_RUN };
	static const struct option options[] = {
		{ "usr", no_argument, NULL, OPT_USR },
		{ "strict", no_argument, NULL, OPT_STRICT },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "storage", required_argument, NULL, OPT_STORAGE },
		{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
		COMMON_LONGOPTS,
	};
	enum storage_class storage;
	int c, r;

	while ((c = getopt_long(argc, argv, COMMON_SHORTOPTS, options, NULL)) >= 0) {
		switch (c) {
		case OPT_USR:
			arg_usr = true;
			break;
		case OPT_STRICT:
			arg_strict = true;
			break;
		case OPT_FORCE:
			arg_force = true;
			break;
		case OPT_DRY_RUN:
			arg_dry_run = true;
			break;
		case OPT_STORAGE:
			if (storage_class_from_name(optarg, &storage) < 0)
				return cmd_usage_error(
					&cmd_compile, "unknown storage class '%s'", optarg);
			arg_storage = (int)storage;
			break;
		default:
			r = cmd_common_option(&cmd_compile, c);
			if (r >= 0)
				return r;
		}
	}
	r = cmd_refuse_arguments(&cmd_compile, argc, argv);
	return r < 0 ? compile() : r;
}

const struct cmd cmd_compile = {
	.name = "compile",
	.args = "[--usr] [--strict] [--force] [--dry-run] [--storage=CLASS]",
	.summary = "bring all shadows in line with the profiles and files on disk",
	.options = "      --usr           shadows in /usr/lib/elfcast, for image builds\n"
		   "      --strict        exit 1 when a profile is bad\n"
		   "      --force         compile all, also what has not changed\n"
		   "      --dry-run       write nothing, tell what would be compiled, and "
		   "why\n"
		   "      --storage=CLASS rotational, network, flash or image; default: "
		   "detect\n",
	.run = run,
};
