/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of check: what can be said of a profile alone, and against a package's files. */
#ifndef ELFCAST_CHECK_H
#define ELFCAST_CHECK_H

#include <stdbool.h>

#include "profile.h"
#include "wanted.h"

/* Call WARN with a line of text for each thing about P that is allowed but looks wrong. */
void lint_profile(const struct profile *p, void (*warn)(const char *text, void *userdata),
		  void *userdata);

/* How an object and a file agree. From VERDICT_STALE on it is a problem. */
enum verdict {
	VERDICT_MATCHES,
	VERDICT_OTHER_BUILD, /* another object of the same path matches */
	VERDICT_ELSEWHERE,   /* not in the package, and nothing says that it should be */
	VERDICT_STALE,	     /* other build-id, or other size */
	VERDICT_PAST_END,    /* same build-id, but the file is too short */
	VERDICT_DIGEST,	     /* same size, other content */
	VERDICT_MISSING,
	VERDICT_NOT_A_FILE,
	VERDICTS,
};

const char *verdict_text(enum verdict v);

struct finding {
	enum verdict verdict;
	const struct wanted_file *file; /* the file judged, NULL: there is none; borrowed */
	char detail[256];		/* printable; "": nothing to add */
};

#define CANNOT_BE_RETARGETED 101u

/*
 * F was found in a package, with its content at FD. SURE has an item for each object of P: those whose
 * pages were not looked for yet, and which are of another build of F, get how sure it is of their
 * pages in percent, or CANNOT_BE_RETARGETED. -ENOMEM.
 */
int check_retarget(int fd, const struct wanted_file *f, const struct profile *p,
		   uint8_t *sure);

/*
 * Judge all objects of P against the N packages' files (the first that has a path counts)
 * into RET, one for each object, as is SURE. ALL: what is in no package is missing. -ENAMETOOLONG, ...
 */
int judge_profile(const struct profile *p, const struct wanted *packages, size_t n,
		  bool all, const uint8_t *sure, struct finding *ret);

/* Add all objects of P to W, as judge_profile() will look them up. */
int want_profile(const struct profile *p, struct wanted *w);

#endif
