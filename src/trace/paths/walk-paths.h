/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * After the launch: what the paths that it asked for made the kernel look up, a name in a
 * directory each, links followed as the kernel follows them. Which names are not there is
 * told by looking: what the launch made itself does not count.
 */
#ifndef ELFCAST_WALK_PATHS_H
#define ELFCAST_WALK_PATHS_H

#include "asked-paths.h"
#include "lookups.h"
#include "traced-files.h"

/* May wait for file systems. Add the interpreters of scripts that were executed. */
void walk_scripts(struct asked_paths *asked, const struct traced_files *files);
/*
 * May wait for file systems. Only names on file systems that FILES takes, each in one run.
 * *RET must be empty. -ENOMEM.
 */
int walk_paths(const struct asked_paths *asked, const struct traced_files *files,
	       struct lookups *ret);

#endif
