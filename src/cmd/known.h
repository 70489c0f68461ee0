/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every profile that is installed, with its program, and what that is worth now. */
#ifndef ELFCAST_KNOWN_H
#define ELFCAST_KNOWN_H

#include "launch-shadows.h"
#include "store.h"
#include "summary.h"

/* Of a profile, from best to worst; the first three are enum worth. */
enum known_state {
	KNOWN_VALID,
	KNOWN_PARTLY_STALE,
	KNOWN_STALE,
	KNOWN_UNCOMPILED, /* no shadow, or one that cannot be used */
	KNOWN_DAMAGED,	  /* the profile cannot be compiled: see problem */
	KNOWN_UNREADABLE, /* somebody else's to write, say: see problem */
	KNOWN_DISABLED,	  /* elfcast disable, or Never= */
	KNOWN_ABSENT,	  /* its program is not there */
	KNOWN_MASKED,
	KNOWN_STATES,
};

struct known_launch {
	const struct profile_file *file; /* NULL: a shadow whose profile is gone */
	/* data NULL: none. Of a profile that is not compiled the one that would be. */
	struct shadow_buffer shadow;
	/* Why the profile cannot be used, "FILE:LINE:COLUMN: what", or NULL; owned. */
	char *problem;
	bool is_compiled; /* it has a shadow */
	bool is_damaged;  /* but one that cannot be used */
	bool is_pending;  /* compile looks at it again, see known_find_pending() */
	struct totals totals;
	size_t n_objects;
	enum worth worth;
	enum known_state state;
};

struct known {
	struct profile_list profiles;
	struct known_launch
		*items; /* by program, scenario, profile; without a program last */
	size_t n, n_damaged, n_with[KNOWN_STATES];
};

/* Logged, problems with settings too. 0 or negative errno; *RET (zero) is to be freed in any case. */
int known_load(const struct store *s, struct known *ret);
void known_done(struct known *k);
/* For those that come to no shadow: what would be compiled, or what is wrong with the profile. */
int known_parse_uncompiled(const struct store *s, struct facts_context *facts,
			   struct known *k);
/* What compile would look at again, now that all has the time. Logged. */
int known_find_pending(const struct store *s, struct known *k);

const char *known_state_text(enum known_state state);
/* As what it is launched, and which file that is; NULL: not known, for the profile cannot be read. */
const char *known_program(const struct known_launch *l);
const char *known_file(const struct known_launch *l);
/* "default" where it is not known. */
const char *known_scenario(const struct known_launch *l);
/* The file name of the profile; never NULL. */
const char *known_profile(const struct known_launch *l);
/*
 * Programs by the best of the states of their profiles, whoever ships these and for which scenario; a profile
 * whose program is not known is one by itself.
 */
void known_count_programs(const struct known *k, size_t ret[static KNOWN_STATES]);
/* How many programs have a profile of which WANTED says so. */
size_t known_count_programs_of(const struct known *k,
			       bool (*wanted)(const struct known_launch *l));
/* Another profile is about the same scenario of the same program. */
bool known_is_ambiguous(const struct known *k, const struct known_launch *l);

/*
 * A launch of the one program with profiles that is launched by path or name NAME. -ENOENT; -ENOTUNIQ,
 * logged.
 */
int known_find_called(const struct known *k, const char *name,
		      const struct known_launch **ret);
/*
 * The file that a user calls NAME: a path or name that can be executed, else the one program with
 * profiles of that path or name, which need not be there any more. New; logged.
 */
int known_find_program(const struct store *s, const struct known *k, const char *name,
		       char **ret);

#endif
