/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verb retarget: elfcast has it, and elfcast-retarget, which can read packages. */
#ifndef ELFCAST_RETARGET_VERB_H
#define ELFCAST_RETARGET_VERB_H

#include "retarget-job.h"

/*
 * P becomes one of what the file open as FD, which is PATH, has. Negative errno, -ENOENT: there is nothing of
 * P; or CMD_FAILED: logged. ARGV is the verb's.
 */
typedef int retarget_package(int fd, const char *path, const struct profile *p,
			     char *argv[], struct retarget_result *ret);

int retarget_run(int argc, char *argv[], retarget_package *package);

#endif
