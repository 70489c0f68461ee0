/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fingerprints that many profiles share: a library that a hundred programs load needs one, of all
 * pages that any of them needs. Files of evidence have the form of profiles (elfcast-profile(5), EVIDENCE)
 * and lie in a directory of their own, one for each release. Read when the first one is asked for.
 */
#ifndef ELFCAST_EVIDENCE_H
#define ELFCAST_EVIDENCE_H

#include "buildid.h"
#include "diag.h"
#include "names.h"
#include "profile.h"

/* That are read, each at most LIMIT_PROFILE_BYTES: the parser has 256 MiB of address space. */
#define EVIDENCE_FILES 8u

struct evidence_item {
	struct buildid buildid;
	char *fingerprint; /* NULL: nothing but of which release it is */
	char *ran;	   /* of these; may be NULL */
	uint8_t file;
};

/* All zero at first, but the root, which is borrowed, and the directory below it. */
struct evidence {
	int rootfd;
	const char *dir;
	bool is_read;
	struct evidence_item *items; /* by build-id */
	size_t n_items, capacity;
	char *bad_name; /* of the first file that cannot be used, and why */
	struct diag bad;
};

void evidence_done(struct evidence *e);

/*
 * The fingerprint of the build ID, and what ran of that or NULL, borrowed; NULL where none is known, also for
 * want of memory.
 */
const char *evidence_find(struct evidence *e, const struct buildid *id,
			  const char **ret_ran);

/* The files that know the build ID, a bit each. */
uint8_t evidence_files(struct evidence *e, const struct buildid *id);

/* What objects of P lack. -ENOMEM. */
int evidence_fill(struct evidence *e, struct profile *p);

/* Of which files there are: another one where they have changed. 0: there is none. */
uint64_t evidence_sum(int rootfd, const char *dir);

#endif
