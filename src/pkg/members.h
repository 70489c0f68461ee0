/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the members of a package have of the files that are wanted, whoever reads it: librpm or
 * libarchive. Of a member at most LIMIT_PAYLOAD_ELF_BYTES stay in memory, one at a time.
 */
#ifndef ELFCAST_MEMBERS_H
#define ELFCAST_MEMBERS_H

#include <sys/types.h>

#include "bounds.h"
#include "diag.h"
#include "wanted.h"

struct member_counts {
	uint64_t n_members;
	uint64_t n_bad_names; /* passed over: with "..", or too long */
};

struct members {
	struct wanted *wanted;
	struct diag *diag; /* borrowed; set with all errors but -ENOMEM */
	struct member_counts counts;
	char path[LIMIT_PATH_BYTES + 8]; /* folded, of the member that was begun */
	struct hash_stream *hash;
	int head_fd;	     /* memfd: the first bytes of its data */
	uint64_t pos;	     /* bytes of its data so far, holes included */
	bool want_digest;    /* of it */
	uint64_t bytes_left; /* until LIMIT_PAYLOAD_BYTES */
};

/* W is prepared; what it had found is forgotten. Also after a failure: members_done(). */
int members_init(struct members *m, struct wanted *w, struct diag *diag);
void members_done(struct members *m);

/* From the first member again. */
void members_restart(struct members *m);

/* ERROR, and what it is, in the diag. */
_printf_(3, 4) int members_fail(const struct members *m, int error, const char *format,
				...);

/* 1: the next member, M->path; 0: it is passed over. -E2BIG. NAME NULL: has none. */
int members_next(struct members *m, const char *name);

/* BYTES were unpacked, of a wanted member or not. -E2BIG: too many. */
int members_charge(struct members *m, uint64_t bytes);

/* Its data, one piece after the other; DATA NULL: a hole. */
int members_begin_data(struct members *m, bool want_digest);
int members_add_data(struct members *m, const void *data, uint64_t bytes);

/* F is a file with that data. -ENOMEM. */
int members_give_data(struct members *m, struct wanted_file *f);

/* F is no file, or one whose data is elsewhere: LINK (or NULL), the target of a symbolic one. */
int members_give_type(struct wanted_file *f, enum wanted_type type, const char *link);

#endif
