/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several recorded launches to one profile. */
#ifndef ELFCAST_TRAINING_H
#define ELFCAST_TRAINING_H

#include "fingerprint.h"
#include "functions.h"
#include "profile.h"
#include "recording.h"

struct train_options {
	const char *program; /* as what it is launched: train_find_program() */
	const char *scenario;
	unsigned window_ms;
	bool is_public; /* files that not everybody may read are left out */
};

/*
 * The profile of one recorded launch: build-id and size read from each file, a digest for
 * data files that everybody may read. RET_N_PRIVATE: files that not everybody may.
 * -ENOMEM, -EIO, … New.
 */
int train_profile(const struct train_options *o, const struct trace_result *r,
		  struct profile **ret, unsigned *ret_n_private);

/*
 * Of each ELF file of P what another build of it needs: see fingerprint.h. Files that are not the
 * recorded ones any more, or that cannot be understood, go without. With FUNCTIONS (else NULL) those of them that begin on
 * the pages that have got one are added there. -ENOMEM, -EIO.
 */
int train_add_fingerprints(struct profile *p, enum fingerprint_level level,
			   struct functions *functions);
/* Which of them ran, as FUNCTIONS now knows, instead of what that makes superfluous. -ENOMEM. */
int train_add_ran(struct profile *p, struct functions *functions);

/*
 * What the profile is a profile of: what search_path_find() finds, its directory canonical. A link
 * at its end stays: psql and pg_restore are both links to one file. New.
 */
int train_find_program(const char *command, char **ret);

#endif
