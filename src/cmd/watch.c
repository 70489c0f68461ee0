/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast watch: what elfcastd runs, by hand. */
#include <getopt.h>
#include <stddef.h>

#include "cmd.h"
#include "watch-loop.h"

static int run_watch(int argc, char *argv[])
{
	static const struct option options[] = { COMMON_LONGOPTS };
	int c, r;

	while ((c = getopt_long(argc, argv, COMMON_SHORTOPTS, options, NULL)) >= 0) {
		r = cmd_common_option(&cmd_watch, c);
		if (r >= 0)
			return r;
	}
	if (optind < argc)
		return cmd_usage_error(&cmd_watch, "'%s' is one argument too many",
				       argv[optind]);
	return watch_run(arg_root) < 0 ? CMD_FAILED : CMD_DONE;
}

const struct cmd cmd_watch = {
	.name = "watch",
	.args = "[OPTION...]",
	.summary = "read ahead what launches need, and count them",
	.run = run_watch,
};
