/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast dump: a shadow as the profile that compiles to the same bytes. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"
#include "compile-shadow.h"
#include "input.h"
#include "log.h"

static const char *arg_scenario, *arg_profile;

static int dump_shadow(const struct shadow_buffer *l)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r;

	r = compile_dump(&l->shadow, &p);
	if (r == 0)
		r = profile_write(p, &text, &bytes);
	if (r < 0)
		return log_errno(r, "cannot dump the shadow of '%s'",
				 launch_shadow_program(l));
	fwrite(text, 1, bytes, stdout); /* main() looks at the stream's error */
	return 0;
}

/* One profile is one text, so one shadow must be meant. */
static int dump_input(const struct input *in, const char *name)
{
	if (in->profile) {
		log_error("'%s' is a profile already", name);
		return -EINVAL;
	}
	if (in->pack.data) {
		log_error("'%s' is a pack of %u launches, not one program's shadow; "
			  "'elfcast show' lists them",
			  name, in->pack.shadow.n_launches);
		return -EINVAL;
	}
	if (in->shadows.n > 1) {
		log_error("'%s' has several profiles, choose one with --profile or "
			  "--scenario:",
			  name);
		for (size_t i = 0; i < in->shadows.n; i++)
			log_error("  --profile=%s (scenario %s)",
				  in->shadows.items[i].profile,
				  launch_shadow_scenario(&in->shadows.items[i]));
		return -EINVAL;
	}
	return dump_shadow(&in->shadows.items[0]);
}

static int dump(const char *name)
{
	_cleanup_(store_done) struct store s = { .rootfd = -1 };
	_cleanup_(input_done) struct input in = { 0 };
	int r = cmd_open_store(&s);

	if (r < 0)
		return CMD_FAILED;
	r = input_load(&s, name, arg_scenario, arg_profile, &in);
	if (r == 0)
		r = dump_input(&in, name);
	return r < 0 ? CMD_FAILED : CMD_DONE;
}

static int run(int argc, char *argv[])
{
	enum { OPT_SCENARIO = OPT_VERB, OPT_PROFILE };
	static const struct option options[] = {
		{ "scenario", required_argument, NULL, OPT_SCENARIO },
		{ "profile", required_argument, NULL, OPT_PROFILE },
		COMMON_LONGOPTS,
	};
	int c, r;

	while ((c = getopt_long(argc, argv, COMMON_SHORTOPTS, options, NULL)) >= 0) {
		if (c == OPT_SCENARIO) {
			arg_scenario = optarg;
			continue;
		}
		if (c == OPT_PROFILE) {
			arg_profile = optarg;
			continue;
		}
		r = cmd_common_option(&cmd_dump, c);
		if (r >= 0)
			return r;
	}
	if (argc - optind != 1)
		return cmd_usage_error(&cmd_dump, "needs one shadow or program");
	return dump(argv[optind]);
}

const struct cmd cmd_dump = {
	.name = "dump",
	.args = "[--scenario=S] [--profile=NAME] SHADOW|PROGRAM",
	.summary = "print the profile that compiles to exactly this shadow",
	.options = "      --scenario=S    of a program, the shadow of this scenario\n"
		   "      --profile=NAME  of a program, the shadow of this profile\n",
	.run = run,
};
