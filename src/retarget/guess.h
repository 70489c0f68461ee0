/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is thought of each page of the new file, while evidence comes in. */
#ifndef ELFCAST_GUESS_H
#define ELFCAST_GUESS_H

#include "align.h"
#include "fingerprint.h"
#include "layout.h"
#include "pageset.h"

#define SURE 65536u /* probabilities are of that */

struct guess {
	uint32_t miss; /* how likely it is not needed */
	uint32_t
		covered; /* bytes that needed ones of the old file became, by place alone */
	uint32_t runs, when; /* of the pages that it comes from: most, earliest */
};

struct guesses {
	const struct fingerprint *from;
	const struct pageset *old;
	const struct layout *to;
	struct piece *pieces; /* of TO, by hash */
	struct guess *pages;
	size_t n_pages;
	uint32_t lost;	   /* of the marks of needed data, of SURE */
	unsigned coverage; /* percent */
	bool has_code;	   /* functions were found well enough */
};

/* Evidence of RUN: the page with the byte at OFF is needed with PROBABILITY (of SURE). */
void guess_add(struct guesses *g, uint64_t off, uint32_t probability,
	       const struct page_run *run);

/*
 * The bytes [OFF, OFF + BYTES) of the new file were needed pages of the old one, as likely as
 * SHARE of GUESS_ALL.
 */
#define GUESS_ALL 48u
void guess_cover(struct guesses *g, uint64_t off, uint64_t bytes, unsigned share,
		 const struct page_run *run);

/* The run of the old file that has the page; NULL: it was not needed. */
const struct page_run *guess_old_run(const struct guesses *g, uint32_t pgno);

/* Sets pieces, and what is lost. -ENOMEM */
int guess_sort_pieces(struct guesses *g);
bool guess_has_piece(const struct guesses *g, uint32_t hash);

/* Whether the new file is a build of what was trained as PATH. -ENOMEM */
int guess_is_kin(const struct guesses *g, const char *path);
/* Code: by functions. Sets coverage and has_code. -ENOMEM */
int guess_code(struct guesses *g);
/* Read-only data that functions which ran refer to, where their content is not found. -ENOMEM */
int guess_references(struct guesses *g, const struct old_code *c);
/* Read-only data by content; all else by its place in its section. -ENOMEM */
int guess_data(struct guesses *g);

/* The section of the new file that is SECTION of the old one, NULL: none. */
const struct section *guess_section(const struct guesses *g, const struct section *section);
/* Where the byte at OFF in section X is in section Y when it grew evenly. */
uint64_t guess_scale(const struct section *x, const struct section *y, uint64_t off);

#endif
