/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

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
	if (asprintf(&argv[0], "elfcast: %s", tool_cmd->name) < 0)
		return CMD_FAILED;
	cmd_catch_interrupt();
	argc = cmd_finish(tool_cmd->run(argc, argv));
	free(argv[0]);
	return argc;
}
