/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast extract: the profile that is in a program, as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "input.h"
#include "log.h"
#include "output.h"

static const char *arg_output; /* NULL: standard output */

static int extract(const char *name)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_close_ int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r;

	if (fd < 0) {
		log_errno(-errno, "cannot open '%s'", name);
		return CMD_FAILED;
	}
	r = input_load_embedded(fd, name, &p);
	if (r == -ENOENT)
		log_error("'%s' has no profile in it", name);
	return r < 0 || output_profile(arg_output, p) < 0 ? CMD_FAILED : CMD_DONE;
}

static int run(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		COMMON_LONGOPTS,
	};
	int c, r;

	while ((c = getopt_long(argc, argv, "o:" COMMON_SHORTOPTS, options, NULL)) >= 0) {
		if (c == 'o') {
			arg_output = optarg;
			continue;
		}
		r = cmd_common_option(&cmd_extract, c);
		if (r >= 0)
			return r;
	}
	if (arg_root && *arg_root)
		return cmd_usage_error(&cmd_extract,
				       "a program is named as it is: no --root here");
	if (argc - optind != 1)
		return cmd_usage_error(&cmd_extract, "needs one program");
	return extract(argv[optind]);
}

const struct cmd cmd_extract = {
	.name = "extract",
	.args = "[-o FILE] PROGRAM",
	.summary = "print the profile that is in a program",
	.options = "  -o, --output=FILE   default: standard output\n",
	.run = run,
};
