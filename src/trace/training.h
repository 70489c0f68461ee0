/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several recorded launches to one profile. */
#ifndef ELFCAST_TRAINING_H
#define ELFCAST_TRAINING_H

#include "profile.h"
#include "recording.h"

/*
 * The profile of one recorded launch: build-id and size read from each file, a digest for
 * data files. PROGRAM is canonical. -ENOMEM, -EIO, … New.
 */
int train_profile(const char *program, const char *scenario, unsigned window_ms,
		  const struct trace_result *r, struct profile **ret);

/*
 * What would run as COMMAND, found along PATH as execvp(3) does. New string. -ENOENT,
 * -EACCES.
 */
int train_search_program(const char *command, char **ret);
/* Its canonical path, which names the profile: links resolved. */
int train_find_program(const char *command, char **ret);

#endif
