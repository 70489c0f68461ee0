/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast status: what is known here, one option for each kind of thing. */
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"
#include "log.h"
#include "macro.h"
#include "status.h"

/* "--packages" is a program of its own: see main.c. */
static const struct part {
	const char *option;
	int (*print)(const struct store *s);
} parts[] = {
	{ "pack", status_pack },	  { "launches", status_launches },
	{ "prometheus", status_metrics }, { "usage", status_usage },
	{ "boots", status_boots },	  { "plot", status_plot },
	{ "check", status_check },
};
static const struct part overview = { NULL, status_overview };

static int print(const struct part *part, int n_programs, char *const programs[])
{
	_cleanup_(store_done) struct store s = { 0 };
	int r = cmd_open_store(&s);

	if (r < 0)
		return part->print == status_check ? (int)STATUS_CHECK_UNKNOWN : CMD_FAILED;
	return n_programs > 0 ? status_programs(&s, n_programs, programs) : part->print(&s);
}

static int run_status(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "pack", no_argument, NULL, OPT_VERB },
		{ "launches", no_argument, NULL, OPT_VERB + 1 },
		{ "prometheus", no_argument, NULL, OPT_VERB + 2 },
		{ "usage", no_argument, NULL, OPT_VERB + 3 },
		{ "boots", no_argument, NULL, OPT_VERB + 4 },
		{ "plot", required_argument, NULL, OPT_VERB + 5 },
		{ "check", no_argument, NULL, OPT_VERB + 6 },
		COMMON_LONGOPTS,
	};
	const struct part *part = &overview;
	int c, r;

	while ((c = getopt_long(argc, argv, COMMON_SHORTOPTS, options, NULL)) >= 0) {
		if (c >= OPT_VERB) {
			if (part != &overview && part != &parts[c - OPT_VERB])
				return cmd_usage_error(&cmd_status, "one thing at a time");
			part = &parts[c - OPT_VERB];
			arg_plot = optarg;
			continue;
		}
		r = cmd_common_option(&cmd_status, c);
		if (r >= 0)
			return r;
	}
	if (part != &overview && cmd_refuse_arguments(&cmd_status, argc, argv) >= 0)
		return CMD_USAGE;
	if (part->print == status_plot && arg_json)
		return cmd_usage_error(&cmd_status, "--plot draws, and prints nothing");
	if (part->print == status_metrics && arg_json)
		return cmd_usage_error(&cmd_status, "--prometheus is a format of its own");
	return print(part, argc - optind, argv + optind);
}

const struct cmd cmd_status = {
	.name = "status",
	.args = "[--check|--pack|--usage|--launches|--boots|--plot=FILE|--prometheus]\n"
		"       elfcast status PROGRAM...",
	.summary = "what elfcast did since boot, what is wrong, and how to mend it",
	.options =
		"      --check         for monitoring: exit 1 where something is to be "
		"mended\n"
		"      --pack          programs by rank, and what is left out\n"
		"      --usage         what of that is in memory, and was launched "
		"since boot\n"
		"      --launches      launch counts, and whether they are being made\n"
		"      --boots         how long the last boots took, and what reading "
		"ahead gains\n"
		"      --plot=FILE     the last boot, and the launches since, as a picture "
		"(SVG)\n"
		"      --prometheus    the overview as metrics\n",
	.quiet = "only what is to be mended, or errors",
	.run = run_status,
};
