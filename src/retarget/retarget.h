/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the pages of one build of a file went in another: page sets from a fingerprint and the
 * layout of the new file. Each page is predicted with a probability; those that are more likely
 * needed than one in three or so are taken, and the mean of theirs is the confidence.
 */
#ifndef ELFCAST_RETARGET_H
#define ELFCAST_RETARGET_H

#include "fingerprint.h"
#include "layout.h"
#include "pageset.h"

struct retargeted {
	struct pageset pages; /* empty where nothing is known */
	bool is_same;	      /* the files differ in their build-id at most */
	/* In percent: what share of the pages will be needed; and of needed code that was found. */
	unsigned confidence, coverage;
};

void retargeted_done(struct retargeted *r);

/*
 * F and OLD are the trained file's, TO is the new one's. -E2BIG over LIMIT_RETARGET_BYTES;
 * -ENOMEM.
 */
int retarget_pages(const struct fingerprint *f, const struct pageset *old,
		   const struct layout *to, struct retargeted *ret);

#endif
