/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose launch is recorded. A command may be there for another program, which it executes in its
 * place or in a child (env, su, sh -c: command-line.h), and that may be, too. Who was in front before
 * is not recorded any more.
 */
#ifndef ELFCAST_FRONT_H
#define ELFCAST_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "command-line.h"

enum {
	FRONT_LINE_BYTES = 8192, /* of a command line; what is behind that says nothing */
	FRONT_MAX_WORDS = 64,
};

struct front {
	pid_t pid; /* 0: nobody yet */
	char *path;
	enum starts starts;
	char line[FRONT_LINE_BYTES]; /* its words, each with its NUL */
	size_t line_bytes;
	char *dir; /* where it was started; NULL: not known */
	/* Of a shell that stays in front: what it has executed. */
	unsigned n_executed;
	char *first_executed;
};

void front_done(struct front *f);

/*
 * Process PID has executed PATH (NULL: not known). Whether that is in front now. OF: NULL, or who
 * comes to the front first.
 */
bool front_executed(struct front *f, pid_t pid, const char *path, const char *of);
/* Who is in front now is there for itself. */
void front_stay(struct front *f);

/* Which of an interpreter's programs it runs; may wait for file systems. New, or NULL. -ENOMEM. */
int front_interpreted(const struct front *f, char **ret);

#endif
