/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast watch: what elfcastd runs, by hand. */
#include <getopt.h>
#include <stddef.h>

#include "cmd.h"
#include "watch-loop.h"

static int run_watch(int argc, char *argv[])
{
	static const struct option options[] = { COMMON_LONGOPTS };
	int r = cmd_take_flags(&cmd_watch, argc, argv, options);

	if (r < 0)
		r = cmd_refuse_arguments(&cmd_watch, argc, argv);
	if (r >= 0)
		return r;
	return watch_run(arg_root) < 0 ? CMD_FAILED : CMD_DONE;
}

const struct cmd cmd_watch = {
	.name = "watch",
	.args = "[OPTION...]",
	.summary = "read ahead what launches need, and count them",
	.run = run_watch,
};
