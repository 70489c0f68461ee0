/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For elfcast run: a program that brings its profile itself, and needs no compile. */
#ifndef ELFCAST_RUN_EMBEDDED_H
#define ELFCAST_RUN_EMBEDDED_H

#include "launch-shadows.h"
#include "mounts.h"

/*
 * Add to RET the shadow inside of the file PROGRAM leads to; without one, its profile, compiled in memory. -ENOENT: there is
 * none, or it is another scenario than SCENARIO (NULL: whichever it is).
 */
int run_find_embedded(const struct store *s, const struct program_paths *program,
		      const char *scenario, struct mounts *mounts,
		      struct launch_shadows *ret);

#endif
