/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast export: what launches read, as lists for tools that make images. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"
#include "file-list.h"
#include "input.h"
#include "io.h"
#include "json-out.h"
#include "log.h"
#include "output.h"
#include "store.h"

static const char *arg_scenario, *arg_profile, *arg_output; /* NULL: standard output */
static enum file_list_format arg_format;

struct lists {
	struct file_list files;
	struct file_list names; /* that are looked up; with --root, those that are links */
	size_t n_missing;
};

static void lists_done(struct lists *l)
{
	file_list_done(&l->files);
	file_list_done(&l->names);
}

static int add_shadow(const struct shadow *s, struct lists *l)
{
	int r = file_list_add_shadow(&l->files, s);

	return r == 0 && s->kind == SHADOW_KIND_SHADOW
		       ? file_list_add_shadow_names(&l->names, s)
		       : r;
}

static int add_input(const struct input *in, struct lists *l)
{
	int r = 0;

	if (in->pack.data)
		return add_shadow(&in->pack.shadow, l);
	if (in->profile) {
		r = file_list_add_profile(&l->files, in->profile);
		return r < 0 ? r : file_list_add_profile_names(&l->names, in->profile);
	}
	for (size_t i = 0; r == 0 && i < in->shadows.n; i++)
		r = add_shadow(&in->shadows.items[i].shadow, l);
	return r;
}

static int load(const struct store *s, const char *name, struct lists *l)
{
	_cleanup_(input_done) struct input in = { 0 };
	int r = input_load(s, name, arg_scenario, arg_profile, &in);

	if (r < 0)
		return r; /* logged */
	r = add_input(&in, l);
	if (r == -EINVAL)
		log_error("'%s' has a path that cannot stand in a list", name);
	else if (r < 0)
		log_errno(r, "cannot list what '%s' reads", name);
	return r;
}

static bool is_there(int rootfd, const char *path, mode_t type)
{
	struct stat st;
	_cleanup_close_ int fd = io_open_path(rootfd, path, &st);

	return fd >= 0 && (st.st_mode & S_IFMT) == type;
}

/* Of L what is of TYPE below ROOTFD. */
static int keep(int rootfd, mode_t type, struct file_list *l)
{
	struct file_list kept = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->paths.n; i++)
		if (is_there(rootfd, l->paths.names[i], type))
			r = file_list_add(&kept, l->paths.names[i]);
	file_list_done(l);
	*l = kept;
	return r;
}

static int look(const struct store *s, struct lists *l)
{
	size_t n = l->files.paths.n;
	int r;

	if (!arg_root) {
		file_list_done(&l->names);
		return 0;
	}
	r = keep(s->rootfd, S_IFREG, &l->files);
	l->n_missing = n - l->files.paths.n;
	return r < 0 ? r : keep(s->rootfd, S_IFLNK, &l->names);
}

static void tell(const struct lists *l, size_t n_left_out)
{
	size_t n = l->files.paths.n - n_left_out;

	if (arg_json) {
		json_open(NULL, '{');
		json_uint("files", n);
		json_uint("missing", l->n_missing);
		json_uint("left_out", n_left_out);
		json_close('}');
	}
	if (l->n_missing > 0)
		log_info("%zu file%s not below '%s'", l->n_missing,
			 l->n_missing == 1 ? " is" : "s are", arg_root);
	if (n_left_out > 0)
		log_warning("%zu path%s white space, which is cut off there: left out",
			    n_left_out, n_left_out == 1 ? " ends with" : "s end with");
}

static int write_list(const struct lists *l)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes, n_left_out;
	int r = file_list_write(&l->files, &l->names, arg_format, &text, &bytes,
				&n_left_out);

	if (r < 0)
		return log_errno(r, "cannot write the list");
	if (l->files.paths.n == n_left_out) {
		log_error("nothing is left to list");
		r = -ENOENT;
	} else {
		r = output_text(arg_output, text, bytes);
	}
	if (r < 0)
		return r;
	tell(l, n_left_out);
	return 0;
}

static int export(char *const names[], int n)
{
	_cleanup_(store_done) struct store s = { .rootfd = -1 };
	_cleanup_(lists_done) struct lists l = { 0 };
	int r = cmd_open_store(&s);

	for (int i = 0; r == 0 && i < n; i++)
		r = load(&s, names[i], &l);
	if (r < 0)
		return CMD_FAILED;
	r = look(&s, &l);
	if (r < 0)
		log_errno(r, "cannot look below '%s'", arg_root);
	else
		r = write_list(&l);
	return r < 0 ? CMD_FAILED : CMD_DONE;
}

static int run(int argc, char *argv[])
{
	enum { OPT_SCENARIO = OPT_VERB, OPT_PROFILE, OPT_FORMAT };
	static const struct option options[] = {
		{ "format", required_argument, NULL, OPT_FORMAT },
		{ "output", required_argument, NULL, 'o' },
		{ "scenario", required_argument, NULL, OPT_SCENARIO },
		{ "profile", required_argument, NULL, OPT_PROFILE },
		COMMON_LONGOPTS,
	};
	int c, r;

	while ((c = getopt_long(argc, argv, "o:" COMMON_SHORTOPTS, options, NULL)) >= 0) {
		switch (c) {
		case OPT_FORMAT:
			if (!file_list_find_format(optarg, &arg_format))
				return cmd_usage_error(&cmd_export,
						       "there is no format '%s'", optarg);
			break;
		case 'o':
			arg_output = strcmp(optarg, "-") == 0 ? NULL : optarg;
			break;
		case OPT_SCENARIO:
			arg_scenario = optarg;
			break;
		case OPT_PROFILE:
			arg_profile = optarg;
			break;
		default:
			r = cmd_common_option(&cmd_export, c);
			if (r >= 0)
				return r;
		}
	}
	if (optind == argc)
		return cmd_usage_error(&cmd_export,
				       "needs a profile, program, shadow or pack");
	if (arg_json && !arg_output)
		return cmd_usage_error(
			&cmd_export,
			"--json and the list cannot both go to standard output");
	return export(argv + optind, argc - optind);
}

const struct cmd cmd_export = {
	.name = "export",
	.args = "[--format=FORMAT] [-o FILE] PROFILE|PROGRAM|SHADOW|PACK...",
	.summary = "what launches read, as lists for tools that make images",
	.options = "      --format=FORMAT  paths, squashfs, cpio, tar, erofs, estargz, "
		   "nydus, soci\n"
		   "  -o, --output=FILE    default: standard output\n"
		   "      --scenario=S     of a program, the shadow of this scenario\n"
		   "      --profile=NAME   of a program, the shadow of this profile\n",
	.run = run,
};
