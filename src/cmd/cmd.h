/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One verb, one file: each src/cmd/NAME.c ends with its struct cmd; main.c lists them. */
#ifndef ELFCAST_CMD_H
#define ELFCAST_CMD_H

#include <stdbool.h>

struct mounts;
struct option;
struct store;

enum {
	CMD_DONE = 0,
	CMD_FAILED = 1, /* failed, or found problems */
	CMD_USAGE = 2,
	CMD_INTERRUPTED = 130, /* as shells call it; what was done by then was printed */
};

struct cmd {
	const char *name;
	const char *args;    /* after the name, for usage: "[-o FILE] -- CMD..." */
	const char *summary; /* one line, lower case */
	const char *options; /* lines for --help, without the common ones; or NULL */
	const char *quiet;   /* what --quiet does, where it is not "errors only" */
	/* argv[0] is the verb. Returns CMD_*. */
	int (*run)(int argc, char *argv[]);
};

/* The verbs, as 'elfcast --help' lists them. */
extern const struct cmd cmd_train, cmd_compile, cmd_prefetch, cmd_run, cmd_show, cmd_dump,
	cmd_merge, cmd_diff, cmd_bench, cmd_status, cmd_watch, cmd_note_boot, cmd_retarget,
	cmd_list, cmd_disable, cmd_enable, cmd_remove, cmd_evict, cmd_embed, cmd_extract,
	cmd_export;

/* Options that every verb takes; a verb's own getopt_long table ends with COMMON_LONGOPTS. */
extern const char *arg_root; /* "" or NULL: "/" */
extern bool arg_json;

enum {
	OPT_HELP = 0x100,
	OPT_VERSION,
	OPT_JSON,
	OPT_ROOT,
	OPT_VERB
}; /* verbs use OPT_VERB+n */

#define COMMON_SHORTOPTS "hqv"
#define COMMON_LONGOPTS                                                                    \
	{ "help", no_argument, NULL, OPT_HELP },                                           \
		{ "version", no_argument, NULL, OPT_VERSION },                             \
		{ "json", no_argument, NULL, OPT_JSON },                                   \
		{ "quiet", no_argument, NULL, 'q' },                                       \
		{ "verbose", no_argument, NULL, 'v' },                                     \
		{ "root", required_argument, NULL, OPT_ROOT },                             \
	{                                                                                  \
		NULL, 0, NULL, 0                                                           \
	}

/*
 * Handle a common option C, or an error ('?', ':'). -1: go on; otherwise the exit status to
 * return at once (help and version were printed, or the usage line).
 */
int cmd_common_option(const struct cmd *cmd, int c);
/* The same for all options of a verb whose own are flags, which getopt_long() sets by itself. */
int cmd_take_flags(const struct cmd *cmd, int argc, char *argv[],
		   const struct option *options);
/* For verbs that take no argument: -1, or CMD_USAGE. */
int cmd_refuse_arguments(const struct cmd *cmd, int argc, char *argv[]);

/* store_open_compiled() below --root; logged. */
int cmd_open_store(struct store *ret);
/* mounts_load(); logged. */
int cmd_load_mounts(struct mounts **ret);
/* Why program_resolve() did not find NAME; returns ERROR. */
int cmd_log_program(int error, const char *name);

/* An option's time in ms: digits, 1 to LIMIT_WINDOW_MS. */
bool cmd_parse_ms(const char *text, unsigned *ret);
/* Whether TEXT can be the name of a scenario: it becomes part of a file name. */
bool cmd_is_scenario(const char *text);

/* "elfcast VERB: what" and "Try 'elfcast VERB --help'"; returns CMD_USAGE. */
__attribute__((format(printf, 2, 3))) int cmd_usage_error(const struct cmd *cmd,
							  const char *format, ...);

/*
 * Ctrl-C says so, and ends this process by the signal, which shells make 130. Not in children; a verb
 * that cleans up has a handler of its own.
 */
void cmd_catch_interrupt(void);

/* Become elfcast-VERB, as git does. Returns only on failure: -ENOENT when there is none. */
int cmd_exec_tool(const char *verb, char *argv[]);

/* Last thing in main(): a full disk must not look like success. Returns the exit status. */
int cmd_finish(int status);

#endif
