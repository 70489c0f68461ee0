/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bring all shadows, and the pack, in line with the profiles and files on disk, whatever happened before.
 * The result depends on nothing else. Profiles and ELF files are parsed in a child process
 * with limits; one that kills it is skipped.
 */
#ifndef ELFCAST_RECONCILE_H
#define ELFCAST_RECONCILE_H

#include "diag.h"
#include "pack-build.h"
#include "store.h"

struct reconcile_result {
	unsigned n_profiles; /* not masked */
	unsigned n_compiled; /* shadows written because something changed */
	unsigned n_unchanged;
	unsigned n_removed;
	/* Profiles, directories of them, and lines of elfcast.conf skipped with a problem. */
	unsigned n_bad;
	unsigned n_deferred; /* profiles that would be retargeted with more time */
	unsigned n_parsed;   /* profiles read in the child: 0 when nothing changed */
	bool has_pack;	     /* the pack was looked at, and this came of it */
	struct pack_built pack;
};

struct reconcile_options {
	int storage_override; /* enum storage_class, or -1: as elfcast.conf says */
	bool force;	      /* as if there was no index */
	bool rank;	      /* the pack, too, when only launches were counted since */
	unsigned lock_timeout_ms;
	/*
	 * CPU time for objects whose file is another build than the one trained, 0: none. What
	 * there was no time for is not noted as done: the next run takes it up.
	 */
	unsigned retarget_ms;
	bool dry_run; /* plan only: nothing is written, and no lock is needed */
	/* Called for each profile that is to be compiled, or shadow removed, and why. May be NULL. */
	void (*on_plan)(const char *path, const char *why, void *userdata);
	/* Called for each profile with a problem; PATH is below the root. May be NULL. */
	void (*on_problem)(const char *path, const struct diag *d, void *userdata);
	void *userdata;
};

/* 0 also when profiles were bad; negative errno when the store itself could not be used. */
int reconcile_run(const struct store *s, const struct reconcile_options *o,
		  struct reconcile_result *ret);

#endif
