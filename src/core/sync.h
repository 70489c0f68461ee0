/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bring all shadows in line with the profiles and files on disk, whatever happened before.
 * The result depends on nothing else. Profiles and ELF files are parsed in a child process
 * with limits; one that kills it is skipped.
 */
#ifndef ELFCAST_SYNC_H
#define ELFCAST_SYNC_H

#include "diag.h"
#include "store.h"

struct sync_result {
	unsigned n_profiles; /* not masked */
	unsigned n_compiled; /* shadows written because something changed */
	unsigned n_unchanged;
	unsigned n_removed;
	unsigned n_bad;	   /* profiles, or directories of them, skipped with a problem */
	unsigned n_parsed; /* profiles read in the child: 0 when nothing changed */
};

struct sync_options {
	int storage_override; /* enum storage_class, or -1 */
	bool force;	      /* as if there was no index */
	unsigned lock_timeout_ms;
	/* Called for each profile with a problem; PATH is below the root. May be NULL. */
	void (*on_problem)(const char *path, const struct diag *d, void *userdata);
	void *userdata;
};

/* 0 also when profiles were bad; negative errno when the store itself could not be used. */
int sync_run(const struct store *s, const struct sync_options *o, struct sync_result *ret);

#endif
