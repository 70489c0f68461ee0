/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what a user calls a program to its compiled shadows. Used at every `elfcast run`, so
 * it reads no more than the names in the shadow directory and the shadows that fit.
 */
#ifndef ELFCAST_LAUNCH_SHADOWS_H
#define ELFCAST_LAUNCH_SHADOWS_H

#include <stdint.h>

#include "shadow-read.h"
#include "store.h"

struct launch_shadows {
	struct shadow_buffer *items;
	size_t n, capacity;
	unsigned n_damaged; /* shadows of the program that could not be read: to be rebuilt
			     */
};

/* What a command runs, both below the root; owned. */
struct program_paths {
	char *launched_as; /* its directory is canonical, a link may be at its end */
	char *file;	   /* canonical: where all links lead */
};

/*
 * What would run as COMMAND: a path, or a name looked up in $PATH, below another root than "/" in
 * the usual directories. Links are followed, but not out of the root. -ENOENT, -EACCES (not
 * executable), -EINVAL (a relative path below another root).
 */
int program_find(const struct store *s, const char *command, struct program_paths *ret);
void program_done(struct program_paths *p);
/* The file alone. New. */
int program_resolve(const struct store *s, const char *command, char **ret);

/*
 * The shadows of PROGRAM for SCENARIO; NULL: those called "default" or, where there is none, all.
 * Of several links to one file each has its own; where this one has none, those of the others
 * stand for it. An empty list is no error. -ENOMEM, -EIO, ...
 */
int launch_shadows_find(const struct store *s, const struct program_paths *program,
			const char *scenario, struct launch_shadows *ret);

/* Append a shadow, taken in any case. -ENOMEM. */
int launch_shadows_add(struct launch_shadows *l, struct shadow_buffer *b);
void launch_shadows_done(struct launch_shadows *l);

/* As what it is launched, and which file that is. */
const char *launch_shadow_program(const struct shadow_buffer *b);
const char *launch_shadow_file(const struct shadow_buffer *b);
const char *launch_shadow_scenario(const struct shadow_buffer *b);

#endif
