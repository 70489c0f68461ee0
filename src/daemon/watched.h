/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which programs are watched, where they lie, and their marks. All directories above a program
 * have marks too: they tell when one of them goes or comes, which it does not do itself while
 * a program in it still runs.
 */
#ifndef ELFCAST_WATCHED_H
#define ELFCAST_WATCHED_H

#include "marks.h"
#include "mounts.h"
#include "names.h"
#include "shadow-read.h"
#include "store.h"

struct watched_program {
	char *path; /* below the root */
	int error;  /* of its mark: 0, -ENOENT, ... */
};

struct watched_dir {
	char *path;	  /* without a final slash; "" is the root */
	struct dir_id id; /* bytes 0: not marked */
};

struct watched {
	const struct store *store; /* borrowed */
	struct marks *marks;	   /* borrowed */
	struct mounts *mounts;
	struct watched_program *programs; /* sorted by path */
	size_t n_programs, programs_capacity;
	struct watched_dir *dirs; /* sorted by id, by path while it is built */
	size_t n_dirs, dirs_capacity;
};

/* Watch the programs of INDEX, and BRINGING, instead of those before. 0 or -ENOMEM, then as before. */
int watched_set(struct watched *w, const struct shadow *index,
		const struct name_list *bringing);
void watched_done(struct watched *w);

/*
 * Look where all directories are now, and mark what is not marked; ANEW: all of it, events
 * were lost. 0 or -ENOMEM.
 */
int watched_resolve(struct watched *w, bool anew);

/* The program called NAME in directory ID, or NULL. */
struct watched_program *watched_find(const struct watched *w, const struct dir_id *id,
				     const char *name);
/* NAME came or went in ID: mark it, if it is a program. True: it is a directory, resolve. */
bool watched_changed(struct watched *w, const struct dir_id *id, const char *name);

/* Hear (ON) when P is opened and closed, or no longer. */
void watched_time(struct watched *w, const struct watched_program *p, bool on);

/* Programs that are there but have no mark. *ret_error: why, for one of them. */
size_t watched_count_failed(const struct watched *w, int *ret_error);

#endif
