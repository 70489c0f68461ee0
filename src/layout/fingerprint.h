/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a profile keeps of an ELF file so that its pages can be found again in another build:
 * elfcast-profile(5) has the format. Only of the needed pages; nothing of the rest but where
 * sections are. Text in profiles, base64 of the bytes; a struct for who makes or reads it.
 */
#ifndef ELFCAST_FINGERPRINT_H
#define ELFCAST_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"
#include "macro.h"

#define FINGERPRINT_VERSION   1
#define FINGERPRINT_MAX_MARKS 4u
#define FINGERPRINT_MAX_KEYS  2u /* of a unit; others are read all the same */

/* How much is kept: see --portable of elfcast-train(1). */
enum fingerprint_level {
	FINGERPRINT_NONE,
	FINGERPRINT_SIZES,
	FINGERPRINT_KEYS,
	FINGERPRINT_FUNCTIONS, /* as well which of them ran; to fingerprints the same as the one before */
};

/* A key of the unit that starts as number INDEX in the page. */
struct code_key {
	uint8_t index;
	uint8_t rank; /* those with a higher one are left out first; not in the text */
	uint32_t hash;
};
#define FINGERPRINT_MAX_RANK 2u /* the unit's first name or text, its second, constants */

/* The units of one needed page of code: one that came in from before, and those that start. */
struct code_page {
	uint32_t pgno;
	uint32_t lead_back; /* how far before the page it starts, in 16 bytes; 0: none */
	uint8_t lead_code;
	uint8_t n_units, n_keys;
	const uint8_t *codes;
	const struct code_key *keys;
	const uint8_t
		*ran; /* of each unit whether it did; NULL: not known; of gaps nothing is */
};

/* A piece that stands once in its file. */
struct data_mark {
	uint8_t off_16; /* where in the page it starts, in 16 bytes */
	uint32_t hash;
};

struct data_page {
	uint32_t pgno;
	uint8_t n_marks;
	bool is_referred; /* to by a unit that ran */
	struct data_mark marks[FINGERPRINT_MAX_MARKS];
};

/*
 * Which call of the unit FROM leads to the unit TO, both of which ran: units are numbered as their codes are, calls as
 * in a layout.
 */
struct ran_call {
	uint32_t from, to;
	uint8_t place;
};
#define RAN_MAX_CALLS	   255u /* of a unit; others are not known */

/* What a unit that ran refers to: of the first ones of its references, as a bit each, whether that page was needed. */
#define RAN_MAX_REFERENCES 255u
struct ran_references {
	uint32_t unit;
	uint8_t n;
	uint8_t needed[32];
};

struct fingerprint {
	uint64_t file_bytes, content_hash;
	struct section *sections; /* with HEAD and TAIL, as in a layout; addr is 0 */
	size_t n_sections;
	/*
	 * Where a text of all would be too long: N up to 3 keys whose hash is a multiple of 2^N,
	 * from 4 on none, then pages whose number is a multiple of 2^(N-4).
	 */
	unsigned thinned;
	unsigned max_rank;	/* of keys that are written */
	struct code_page *code; /* by page */
	size_t n_code;
	struct data_page *data; /* by page */
	size_t n_data;
	uint8_t *codes; /* what the pages point to */
	struct code_key *keys;
	uint8_t *ran; /* beside CODES; NULL: of no page known */
	uint8_t *
		n_calls; /* beside them as well: how many calls a unit has that ran, RAN_MAX_CALLS: or more */
	struct ran_call *calls; /* by FROM and PLACE */
	size_t n_ran_calls, ran_calls_capacity;
	bool has_left_calls;		   /* all of them, which would have been too long */
	struct ran_references *references; /* by UNIT */
	size_t n_references, references_capacity;
	bool has_left_references;
};

void fingerprint_done(struct fingerprint *f);

struct page_range {
	uint32_t first_pgno, n_pages;
};

/* Of a file with layout L, of which the pages in RANGES (sorted, disjoint) are needed. -ENOMEM. */
int fingerprint_make(const struct layout *l, const struct page_range *ranges, size_t n,
		     enum fingerprint_level level, struct fingerprint *ret);

/* As it is read when it is written so thinned, but for pages. */
void fingerprint_thin(struct fingerprint *f, unsigned thinned);
/* Without keys of high ranks, then thinned, until it is short enough. -E2BIG where it never is; -ENOMEM. New. */
int fingerprint_write(const struct fingerprint *f, char **ret);

/*
 * -EINVAL: not what fingerprint_write() writes; -ESTALE: of another version, which is kept as
 * it is; -ENOMEM.
 */
int fingerprint_read(const char *text, size_t bytes, struct fingerprint *ret);

/*
 * Of two texts of one file's, all pages that either knows. Associative and commutative to the
 * byte; where they are not of the same version or content, or one is NULL, one of them. New,
 * NULL where both are. -ENOMEM.
 */
int fingerprint_merge(const char *a, const char *b, char **ret);

/*
 * Which functions ran is a text of its own, which is of one fingerprint's TEXT. F was read from that, or made
 * and written in full. Add what is known of PAGE, a number in f->code: of each unit 1 where it ran. -ENOMEM.
 */
int fingerprint_set_ran(struct fingerprint *f, size_t page, const uint8_t *ran);
/*
 * Unit K of PAGE, which ran, has N calls; the one at PLACE leads to unit TO_K of TO_PAGE, which ran, too. Of those that did
 * not nothing is kept. -ENOMEM.
 */
void fingerprint_set_calls(struct fingerprint *f, size_t page, size_t k, size_t n);
int fingerprint_add_call(struct fingerprint *f, size_t page, size_t k, uint8_t place,
			 size_t to_page, size_t to_k);
/* Unit K of PAGE, which ran, has N references, of which these lead to pages that were needed. -ENOMEM. */
int fingerprint_set_references(struct fingerprint *f, size_t page, size_t k, unsigned n,
			       const uint8_t *needed);
/* What is known of unit UNIT; NULL: nothing. */
const struct ran_references *fingerprint_references_of(const struct fingerprint *f,
						       uint32_t unit);
/*
 * Of units that are known not to have run, a name or text each is kept, by which those beside them are found, and
 * no more; or none, with ALL. Then both texts are written anew.
 */
void fingerprint_drop_keys(struct fingerprint *f, bool all);
/* What ran of F, which was made, in the TEXT that was written of it: there may be less of it. As fingerprint_write_ran(). */
int fingerprint_write_ran_of(const struct fingerprint *f, const char *text, char **ret);
/* New; NULL where nothing is known. -ENOMEM. */
int fingerprint_write_ran(const struct fingerprint *f, const char *text, char **ret);
/* -EINVAL: not what fingerprint_write_ran() writes; -ESTALE: of another fingerprint; -ENOMEM. */
int fingerprint_read_ran(struct fingerprint *f, const char *text, const char *ran,
			 size_t bytes);
/* Both: TEXT, and RAN unless it is NULL or not of it. As fingerprint_read(). */
int fingerprint_load(const char *text, const char *ran, struct fingerprint *ret);
/*
 * Of A and B, which were merged to BOTH: what ran in either; a page that one alone knows of is as that knows
 * it. New, NULL where nothing is known. -ENOMEM.
 */
int fingerprint_merge_ran(const char *a, const char *a_ran, const char *b,
			  const char *b_ran, const char *both, char **ret);

#endif
