/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The elfcast command: finds the verb, and what all verbs share. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "cmd.h"
#include "log.h"
#include "macro.h"
#include "store.h"

static const struct cmd *const cmds[] = {
	&cmd_train,    &cmd_list,  &cmd_status,	   &cmd_show,  &cmd_disable, &cmd_enable,
	&cmd_remove,   &cmd_run,   &cmd_prefetch,  &cmd_evict, &cmd_bench,   &cmd_compile,
	&cmd_retarget, &cmd_merge, &cmd_diff,	   &cmd_embed, &cmd_extract, &cmd_dump,
	&cmd_export,   &cmd_watch, &cmd_note_boot,
};

/*
 * Verbs that need librpm or libarchive are programs of their own, elfcast-VERB, which not
 * every system has.
 */
static const struct tool {
	const char *name, *summary;
} tools[] = {
	{ "check", "lint profiles, or hold them against a package's files" },
	{ "status --packages",
	  "which installed packages have profiles, and valid shadows" },
};

static void print_help(void)
{
	printf("Usage: elfcast VERB [OPTION...]\n\n"
	       "Learns which pages of which files a program's launch needs, and reads "
	       "them\n"
	       "ahead, so that programs start from cold storage almost as from the "
	       "cache.\n\n"
	       "Verbs:\n");
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		printf("  %-9s %s\n", cmds[i]->name, cmds[i]->summary);
	printf("\nVerbs of elfcast-tools:\n");
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		printf("  %-17s %s\n", tools[i].name, tools[i].summary);
	printf("\n'elfcast VERB --help' tells more, and elfcast(1).\n");
}

static const struct cmd *find_cmd(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		if (strcmp(cmds[i]->name, name) == 0)
			return cmds[i];
	return NULL;
}

/* "status --packages" asks librpm; all else of status is elfcast's own. */
static bool is_status_of_packages(char *argv[])
{
	if (strcmp(argv[0], "status") != 0)
		return false;
	for (argv++; *argv && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, "--packages") == 0)
			return true;
	return false;
}

static bool is_known_tool(const char *verb)
{
	size_t n = strlen(verb);

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (strncmp(tools[i].name, verb, n) == 0 && n > 0 &&
		    strchr(" ", tools[i].name[n]))
			return true;
	return false;
}

/* argv[0] is the verb. */
static int run_tool(char *argv[])
{
	const char *tool = is_status_of_packages(argv) ? "status-packages" : argv[0];
	int r = cmd_exec_tool(tool, argv);

	if (r == -ENOENT && is_known_tool(argv[0])) {
		log_error("%s: elfcast-%s is not installed", argv[0], tool);
		return CMD_FAILED;
	}
	if (r != -ENOENT) {
		log_errno(r, "cannot run elfcast-%s", tool);
		return CMD_FAILED;
	}
	log_error("unknown verb '%s'", argv[0]);
	fputs("Try 'elfcast --help'\n", stderr);
	return CMD_USAGE;
}

/* getopt(3) puts argv[0] before what it says: the prefix of all other messages. */
static int run_cmd(const struct cmd *cmd, int argc, char *argv[])
{
	static char name[32];

	snprintf(name, sizeof(name), "elfcast: %s", cmd->name);
	argv[0] = name;
	return cmd->run(argc, argv);
}

static int run_verb(int argc, char *argv[])
{
	const struct cmd *cmd;

	if (argc < 2) {
		log_error("no verb given");
		fputs("Try 'elfcast --help'\n", stderr);
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_help();
		return CMD_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("elfcast " ELFCAST_VERSION);
		return CMD_DONE;
	}
	if (argv[1][0] == '-') {
		log_error("options come behind the verb: 'elfcast VERB %s'", argv[1]);
		fputs("Try 'elfcast --help'\n", stderr);
		return CMD_USAGE;
	}
	cmd = is_status_of_packages(argv + 1) ? NULL : find_cmd(argv[1]);
	return cmd ? run_cmd(cmd, argc - 1, argv + 1) : run_tool(argv + 1);
}

int main(int argc, char *argv[])
{
	int r;

	log_setup("elfcast", LOG_LEVEL_INFO);
	store_set_notice(log_notice);
	cmd_catch_interrupt();
	r = run_verb(argc, argv);
	return cmd_finish(r);
}
