/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A profile keeps the command that was run to train it, and the options that say how ("command" and
 * "options" of "trained", elfcast-profile(5)), so that it can be trained again.
 */
#ifndef ELFCAST_TRAIN_AGAIN_H
#define ELFCAST_TRAIN_AGAIN_H

#include <stdbool.h>

#include "names.h"
#include "profile.h"

/*
 * What no profile can hold (words that are not UTF-8, too many) is left out; IS_PUBLIC: so is a command
 * that names what not everybody may read, which is said. -ENOMEM.
 */
int train_again_note(struct profile *p, char *const command[],
		     const struct name_list *options, bool is_public);

struct train_again {
	bool only_stale;  /* those whose files are other builds by now */
	bool dry_run;	  /* print the commands, and run none */
	const char *runs; /* "--runs=N", NULL: the default */
	int n_programs;	  /* 0: all */
	char *const *programs;
};

/* Train this machine's own profiles again, each by a train of its own. CMD_*. */
int train_again(const struct train_again *o);

/* P is of other launches than those of its command: it does not know one any more. */
void train_again_forget(struct profile *p);

#endif
