/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The elfcast command: finds the verb, and what all verbs share. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "limits.h"
#include "log.h"
#include "macro.h"

const char *arg_root;
bool arg_json;

static const struct cmd *const cmds[] = {
	&cmd_train, &cmd_compile, &cmd_prefetch, &cmd_run, &cmd_show, &cmd_dump,
};

static void print_help(void)
{
	printf("Usage: elfcast VERB [OPTION...]\n\n"
	       "Learns which pages of which files a program's launch needs, and reads them\n"
	       "ahead, so that programs start from cold storage almost as from the cache.\n\n"
	       "Verbs:\n");
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		printf("  %-9s %s\n", cmds[i]->name, cmds[i]->summary);
	printf("\n'elfcast VERB --help' tells more, and elfcast(1).\n");
}

static void print_cmd_help(const struct cmd *cmd)
{
	printf("Usage: elfcast %s %s\n\n%c%s.\n\nOptions:\n", cmd->name, cmd->args,
	       cmd->summary[0] - 'a' + 'A', cmd->summary + 1);
	if (cmd->options)
		fputs(cmd->options, stdout);
	fputs("      --root=DIR      work on the system below DIR\n"
	      "      --json          print JSON\n"
	      "  -q, --quiet         errors only\n"
	      "  -v, --verbose       say more\n"
	      "  -h, --help          this\n"
	      "      --version       the version\n",
	      stdout);
}

int cmd_usage_error(const struct cmd *cmd, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_error("%s: %s", cmd->name, text);
	fprintf(stderr, "Try 'elfcast %s --help'\n", cmd->name);
	return CMD_USAGE;
}

bool cmd_parse_ms(const char *text, unsigned *ret)
{
	unsigned long x;
	char *end;

	errno = 0;
	x = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || x == 0 || x > LIMIT_WINDOW_MS)
		return false;
	*ret = (unsigned)x;
	return true;
}

int cmd_common_option(const struct cmd *cmd, int c)
{
	switch (c) {
	case 'h':
	case OPT_HELP:
		print_cmd_help(cmd);
		return CMD_DONE;
	case OPT_VERSION:
		puts("elfcast " ELFCAST_VERSION);
		return CMD_DONE;
	case OPT_JSON:
		arg_json = true;
		return -1;
	case OPT_ROOT:
		arg_root = optarg;
		return -1;
	case 'q':
		log_set_level(LOG_LEVEL_ERROR);
		return -1;
	case 'v':
		log_set_level(LOG_LEVEL_DEBUG);
		return -1;
	default: /* getopt_long has printed what is wrong */
		fprintf(stderr, "Try 'elfcast %s --help'\n", cmd->name);
		return CMD_USAGE;
	}
}

static const struct cmd *find_cmd(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		if (strcmp(cmds[i]->name, name) == 0)
			return cmds[i];
	return NULL;
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
	cmd = find_cmd(argv[1]);
	if (!cmd) {
		log_error("unknown verb '%s'", argv[1]);
		fputs("Try 'elfcast --help'\n", stderr);
		return CMD_USAGE;
	}
	return cmd->run(argc - 1, argv + 1);
}

int main(int argc, char *argv[])
{
	int r;

	log_setup("elfcast", LOG_LEVEL_INFO);
	r = run_verb(argc, argv);
	/* A full disk must not look like success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_errno(-errno, "cannot write to standard output");
		return CMD_FAILED;
	}
	return r;
}
