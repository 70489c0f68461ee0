/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several recorded launches to one profile. */
#ifndef ELFCAST_TRAIN_H
#define ELFCAST_TRAIN_H

#include "profile.h"
#include "trace.h"

/*
 * The profile of one recorded launch: build-id and size read from each file, a digest for
 * data files. PROGRAM is canonical. -ENOMEM, -EIO, … New.
 */
int train_profile(const char *program, const char *scenario, unsigned window_ms,
		  const struct trace_result *r, struct profile **ret);

/*
 * Canonical path of what would run as COMMAND (PATH search, links resolved). New string.
 * -ENOENT, -EACCES.
 */
int train_find_program(const char *command, char **ret);

#endif
