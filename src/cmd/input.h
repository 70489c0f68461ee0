/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the argument of show and dump means: a profile, a shadow, a pack, or a program. */
#ifndef ELFCAST_INPUT_H
#define ELFCAST_INPUT_H

#include "launch-shadows.h"
#include "profile.h"

/* A profile, or a pack, or else at least one shadow. */
struct input {
	struct profile *profile;
	struct shadow_buffer pack; /* data NULL: none */
	struct launch_shadows shadows;
};

/*
 * NAME is a file, told by its content (a container's magic, or '{' behind white space), else a
 * program, which need not be there any more, whose shadows for SCENARIO (NULL: as
 * launch_shadows_find()), compiled from PROFILE (with or without ".json"; NULL: any), are looked up
 * in S. Problems are logged; negative errno.
 */
int input_load(const struct store *s, const char *name, const char *scenario,
	       const char *profile, struct input *ret);
/* NAME is a profile. New. Problems are logged. */
int input_load_profile(const char *name, struct profile **ret);
/* It is open as FD. */
int input_read_profile(int fd, const char *name, struct profile **ret);
/* The shadows of L that were compiled from PROFILE, as above; the others are freed. */
void input_keep_profile(struct launch_shadows *l, const char *profile);
/* launch_shadows_find(), but damaged ones are warned of, and none at all is -ENOENT; logged. */
int input_find_shadows(const struct store *s, const struct program_paths *program,
		       const char *scenario, struct launch_shadows *ret);
void input_done(struct input *in);

/* The profile inside of the program open at FD, which is NAME. Logged, but for -ENOENT: there is none. */
int input_load_embedded(int fd, const char *name, struct profile **ret);

#endif
