/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What show prints: a profile or a shadow in one form, a row per object, and what its files
 * are now.
 */
#ifndef ELFCAST_SUMMARY_H
#define ELFCAST_SUMMARY_H

#include "facts.h"
#include "launch-shadows.h"
#include "profile.h"

/* What lies at the path of an object now. */
enum now {
	NOW_VALID,   /* read ahead */
	NOW_WHOLE,   /* a small data file of another size: read whole */
	NOW_CHANGED, /* not as compiled any more: skipped, until compiled again */
	NOW_STALE,   /* another build or size: skipped */
	NOW_OTHER,   /* of a profile of several builds: not of the one that is here */
	NOW_MISSING,
	NOW_NOT_FILE,
	NOW_UNREADABLE,
};

struct row {
	const char *path; /* borrowed */
	struct buildid buildid;
	uint64_t n_pages, file_pages; /* of the file that the page numbers are about */
	uint32_t min_runs, max_runs;  /* 0: not known, or no pages */
	uint32_t when;		      /* earliest; only with pages */
	uint32_t confidence;	      /* in percent, of what was retargeted; 0: trained */
	enum now now;
};

struct summary {
	const char *program, *scenario, *arch; /* borrowed */
	const char
		*file; /* the program's: where its links lead; of a profile the program */
	const char *profile; /* that a shadow was compiled from; NULL: not known */
	bool is_absent;	     /* there is no file where the program should be */
	const struct profile *trained; /* NULL: a shadow, which does not know */
	struct row *rows;
	size_t n_rows, capacity;
	size_t n_lookup_dirs, n_lookup_listed, n_lookup_names;
};

struct totals {
	uint64_t n_pages, n_pages_usable;
	size_t n_objects; /* but for those of other builds */
	size_t n_usable, n_retargeted;
	size_t n_changed, n_changed_elf; /* since they were compiled */
	size_t n_stale_elf;		 /* other builds, as compile has seen */
	size_t n_unreadable;		 /* not for everybody to read */
};

const char *now_text(enum now now);
bool now_is_usable(enum now now);

/* Both borrow from P or L; 0 or -ENOMEM, *ret is to be freed in any case. */
int summary_from_profile(const struct profile *p, struct facts_context *facts,
			 struct summary *ret);
int summary_from_shadow(const struct shadow_buffer *l, struct facts_context *facts,
			struct summary *ret);
void summary_done(struct summary *s);

struct totals summary_count(const struct summary *s);
/* As members of the JSON object that is open: whose it is, how it was trained, sums. */
void summary_put_head(const struct summary *s);

/* A shadow's worth now, from best to worst. */
enum worth {
	WORTH_VALID,
	/* The program is as compiled, or its file does not matter, and some of the objects are not. */
	WORTH_PARTLY_STALE,
	WORTH_STALE, /* the program itself is not, or nothing is */
	WORTHS,
};

enum worth summary_judge(const struct summary *s);
const char *worth_text(enum worth worth);

#endif
