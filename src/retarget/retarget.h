/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the pages of one build of a file went in another: page sets from a fingerprint and the
 * layout of the new file. First whether it is the same program at all. Each page is predicted with
 * a probability; those that are more likely needed than one in three or so are taken, and the mean
 * of theirs is the confidence.
 */
#ifndef ELFCAST_RETARGET_H
#define ELFCAST_RETARGET_H

#include "fingerprint.h"
#include "layout.h"
#include "pageset.h"

struct retargeted {
	struct pageset
		pages;	 /* empty where too little is known, or it is another program */
	bool is_same;	 /* the files differ in their build-id at most */
	bool is_foreign; /* another program, as far as one can tell */
	/* In percent: what share of the pages will be needed; and of needed code that was found. */
	unsigned confidence, coverage;
};

void retargeted_done(struct retargeted *r);

/*
 * F and OLD are those of the file that was trained as PATH, TO is the new one's. -E2BIG over
 * LIMIT_RETARGET_BYTES; -ENOMEM.
 */
int retarget_pages(const struct fingerprint *f, const struct pageset *old, const char *path,
		   const struct layout *to, struct retargeted *ret);

#endif
