/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <string.h>

#include "log.h"
#include "macro.h"
#include "store.h"
#include "tool.h"

int main(int argc, char *argv[])
{
	log_setup("elfcast", LOG_LEVEL_INFO);
	store_set_notice(log_notice);
	/* libarchive turns names that are not ASCII into nothing without one. */
	setlocale(LC_CTYPE, "C.UTF-8");
	/* Messages speak of the verb, not of where its program lies. */
	argv[0] = strdup(tool_cmd->name);
	if (!argv[0])
		return CMD_FAILED;
	argc = cmd_finish(tool_cmd->run(argc, argv));
	free(argv[0]);
	return argc;
}
