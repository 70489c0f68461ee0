/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the argument of show and dump means: a profile, a shadow, or a program. */
#ifndef ELFCAST_INPUT_H
#define ELFCAST_INPUT_H

#include "launch.h"
#include "profile.h"

/* Either a profile, or at least one shadow. */
struct input {
	struct profile *profile;
	struct launch_list shadows;
};

/*
 * NAME is a file, told by its content (a shadow's magic, or '{' behind white space), else a
 * program whose shadows for SCENARIO (NULL: as launch_find()) are looked up in S. Problems
 * are logged; negative errno.
 */
int input_load(const struct store *s, const char *name, const char *scenario,
	       struct input *ret);
void input_done(struct input *in);

#endif
