/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all verbs share, whichever program they live in. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "cmd.h"
#include "log.h"
#include "mounts.h"
#include "store.h"

const char *arg_root;
bool arg_json;

static void print_cmd_help(const struct cmd *cmd)
{
	printf("Usage: elfcast %s %s\n\n%c%s.\n\nOptions:\n", cmd->name, cmd->args,
	       cmd->summary[0] - 'a' + 'A', cmd->summary + 1);
	if (cmd->options)
		fputs(cmd->options, stdout);
	fputs("      --root=DIR      work on the system below DIR\n"
	      "      --json          print JSON\n",
	      stdout);
	printf("  -q, --quiet         %s\n", cmd->quiet ? cmd->quiet : "errors only");
	fputs("  -v, --verbose       say more\n"
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

bool cmd_is_scenario(const char *s)
{
	return *s && *s != '.' && strlen(s) <= LIMIT_NAME_BYTES &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			   "._+-")] == 0;
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

int cmd_take_flags(const struct cmd *cmd, int argc, char *argv[],
		   const struct option *options)
{
	int c, r = -1;

	while (r < 0 && (c = getopt_long(argc, argv, COMMON_SHORTOPTS, options, NULL)) >= 0)
		if (c > 0)
			r = cmd_common_option(cmd, c);
	return r;
}

int cmd_refuse_arguments(const struct cmd *cmd, int argc, char *argv[])
{
	return optind == argc ? -1
			      : cmd_usage_error(cmd, "'%s' is one argument too many",
						argv[optind]);
}

int cmd_open_store(struct store *ret)
{
	int r = store_open_compiled(arg_root, ret);

	return r < 0 ? log_errno(r, "cannot open root '%s'", arg_root ? arg_root : "/") : r;
}

int cmd_load_mounts(struct mounts **ret)
{
	int r = mounts_load(ret);

	return r < 0 ? log_errno(r, "cannot read the mount table") : 0;
}

int cmd_log_program(int error, const char *name)
{
	if (error == -EINVAL)
		log_error("cannot find program '%s': below another root it needs a name or "
			  "an absolute path",
			  name);
	else if (error == -EACCES)
		log_error("'%s' is no program: not a file that may be executed", name);
	else if (error == -ENOENT && access("/proc/self/fd", X_OK) < 0)
		log_errno(error, "cannot find program '%s'", name);
	else if (error == -ENOENT && arg_root && *arg_root)
		log_error("there is no program '%s' below '%s'", name, arg_root);
	else if (error == -ENOENT && strchr(name, '/'))
		log_error("there is no program '%s'", name);
	else if (error == -ENOENT)
		log_error("there is no program '%s' in $PATH", name);
	else
		log_errno(error, "cannot find program '%s'", name);
	return error;
}

int cmd_exec_tool(const char *verb, char *argv[])
{
	const char *dir = secure_getenv("ELFCAST_EXEC_PATH");
	char path[LIMIT_PATH_BYTES + 1];

	/* Nothing that leaves the directory, and no option. */
	if (!*verb || *verb == '-' || verb[strspn(verb, "abcdefghijklmnopqrstuvwxyz-")])
		return -ENOENT;
	if (snprintf(path, sizeof(path), "%s/elfcast-%s", dir ? dir : ELFCAST_EXEC_DIR,
		     verb) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	execv(path, argv);
	return -errno;
}

static pid_t main_pid;

static void on_interrupt(int signal_number)
{
	static const char text[] = "elfcast: interrupted\n";

	if (getpid() == main_pid && write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		main_pid = 0; /* nowhere left to say it */
	raise(signal_number);
}

void cmd_catch_interrupt(void)
{
	struct sigaction action = { .sa_handler = on_interrupt,
				    .sa_flags = (int)SA_RESETHAND };
	struct sigaction old;

	main_pid = getpid();
	/* In the background of a script it is ignored, and stays so. */
	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		sigaction(SIGINT, &action, NULL);
}

int cmd_finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	log_errno(-errno, "cannot write to standard output");
	return CMD_FAILED;
}
