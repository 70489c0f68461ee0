/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcastd: the watcher as a service. `elfcast watch` is the same. */
#include <getopt.h>
#include <stdio.h>

#include "log.h"
#include "macro.h"
#include "store.h"
#include "watch-loop.h"

static void print_help(void)
{
	puts("Usage: elfcastd [OPTION...]\n\n"
	     "Reads ahead what programs that have profiles need when they are launched,\n"
	     "and counts launches.\n\n"
	     "Options:\n"
	     "      --root=DIR      work on the system below DIR\n"
	     "  -q, --quiet         errors only\n"
	     "  -v, --verbose       say more\n"
	     "  -h, --help          this\n"
	     "      --version       the version");
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *root = NULL;
	int c;

	log_setup("elfcastd", LOG_LEVEL_INFO);
	store_set_notice(log_notice);
	while ((c = getopt_long(argc, argv, "qvh", options, NULL)) >= 0) {
		switch (c) {
		case 'r':
			root = optarg;
			break;
		case 'q':
			log_set_level(LOG_LEVEL_ERROR);
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			puts("elfcastd " ELFCAST_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("Try 'elfcastd --help'\n", stderr);
			return 2;
		}
	}
	if (optind < argc) {
		log_error("'%s' is one argument too many", argv[optind]);
		fputs("Try 'elfcastd --help'\n", stderr);
		return 2;
	}
	return watch_run(root) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
