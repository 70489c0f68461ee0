/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which functions of a new build are those that a fingerprint knows. Functions keep their order
 * and mostly their sizes, so that a row of sizes finds its place again, as lines of text do for
 * diff(1); keys (exported names, texts that one function alone names) are found at once.
 */
#ifndef ELFCAST_ALIGN_H
#define ELFCAST_ALIGN_H

#include "fingerprint.h"
#include "layout.h"

#define ALIGN_NONE UINT32_MAX
#define ALIGN_SURE 256u

/* A unit of the old file that a fingerprint tells of, in the order of the file. */
struct old_unit {
	uint64_t off, bytes; /* about */
	uint8_t code;
	bool has_key;  /* that is in the new file, of the unit TO */
	bool is_first; /* what is before it is not known */
	enum ran { RAN_UNKNOWN, RAN_NOT, RAN } ran; /* when it was trained */
	uint8_t n_calls;			    /* see fingerprint.h */
	const struct ran_references *references; /* of the fingerprint; NULL: not known */
	uint32_t to;   /* number of the unit in the new file, ALIGN_NONE: none */
	unsigned sure; /* how likely TO is right, 0..ALIGN_SURE */
};

/* Which of them are on a page: those from FIRST on; the first may have begun before. */
struct old_page {
	uint32_t pgno;
	size_t first, n;
};

struct old_code {
	struct old_unit *units;
	size_t n_units;
	struct key *keys;
	size_t n_keys;
	struct ran_call *calls; /* between them, by who calls and by place */
	size_t n_calls;
	struct old_page *pages;
	size_t n_pages;
	uint64_t start, end; /* of all code of the old file */
};

void old_code_done(struct old_code *c);
/* What F knows of code; nothing is aligned yet. -ENOMEM. */
int old_code_make(const struct fingerprint *f, struct old_code *ret);

/*
 * Sets TO and SURE of the units of C. Time and memory are bounded: by what the two have, and
 * LIMIT_ALIGN_CELLS. -ENOMEM.
 */
int align_code(struct old_code *c, const struct layout *to);

#endif
