/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a command line is there for, told by the name of its program and the manners of its
 * arguments: `nice git status` is there for git, `node app.js` for app.js. A wrong guess costs a
 * profile that is called otherwise, and nothing else.
 */
#ifndef ELFCAST_COMMAND_LINE_H
#define ELFCAST_COMMAND_LINE_H

#include <stdbool.h>

enum starts {
	STARTS_NOTHING, /* it is there for itself */
	/* For what it executes in its own place: a shell that has only that to do. */
	STARTS_IN_PLACE,
	/* For the first program that it executes, in its place or in a child: env, su, timeout. */
	STARTS_CHILD,
};

/* PATH: as it is executed. ARGV ends with NULL. */
enum starts command_line_starts(const char *path, char *const argv[]);
/* Whether PATH is nobody's program: what PAM executes before su and its like start theirs. */
bool command_line_is_on_the_way(const char *path);

/*
 * Which of an interpreter's programs it is there for: canonical path of the script or archive, or the
 * name of the module; a name that a scenario may have (bounds.h). DIR: from where relative paths
 * start. *RET is NULL where it is no interpreter, has no program, or one with an odd name. New. -ENOMEM.
 */
int command_line_interpreted(const char *path, char *const argv[], const char *dir,
			     char **ret);

#endif
