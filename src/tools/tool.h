/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A verb in a program of its own, elfcast-VERB below libexec, which elfcast runs: one that
 * links what elfcast does not. Its source defines tool_cmd; main.c has main().
 */
#ifndef ELFCAST_TOOL_H
#define ELFCAST_TOOL_H

#include "cmd.h"

extern const struct cmd *const tool_cmd;

#endif
