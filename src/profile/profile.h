/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A profile as a struct: what elfcast-profile(5) says, checked.
 * Keys that are not known are kept as they are (extra) and written back.
 */
#ifndef ELFCAST_PROFILE_H
#define ELFCAST_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "buildid.h"
#include "diag.h"
#include "extra.h"
#include "lookups.h"
#include "macro.h"
#include "pageset.h"

struct profile_object {
	char *path; /* absolute, canonical: no "." "..", "//", controls (utf8.h) */
	struct buildid buildid; /* n_bytes 0: a data file, identified by path and size */
	uint64_t size_bytes;
	char *digest; /* "xxh3-128:HEX" of a data file, or NULL */
	struct pageset pages;
	char *fingerprint; /* of an ELF file: see fingerprint.h; or NULL */
	char *ran;	   /* which functions of these did; or NULL */
	/* Not trained but carried over from that build; and how sure of its pages, in percent. */
	struct buildid retargeted_from; /* n_bytes 0: trained */
	uint32_t confidence;
	struct extra extra;
};

struct profile {
	char *program; /* absolute, canonical */
	char *scenario;
	char *arch; /* as uname -m */
	uint32_t n_runs;
	uint32_t n_without_lookups; /* of these runs: nobody looked what they look up */
	uint32_t window_ms;
	char *method; /* "uffd" or "pagemap", "merged", "dump" */
	char *kernel;
	/* Sorted by path, then build-id bytes, then size; no two equal. */
	struct profile_object *objects;
	size_t n_objects, objects_capacity;
	struct lookups lookups;
	struct extra extra, trained_extra;
};

struct profile *profile_new(void); /* all zero; NULL: no memory */
void profile_free(struct profile *p);
DEFINE_CLEANUP(struct profile *, profile_free)

/*
 * Append an empty object and return it (valid until the next append), NULL: no memory. The
 * caller sorts with profile_sort() when done.
 */
struct profile_object *profile_add_object(struct profile *p);
void profile_sort(struct profile *p);
/* By path, build-id and size: their order. */
int profile_object_compare(const struct profile_object *a, const struct profile_object *b);
/* For who takes the last objects off. */
void profile_object_done(struct profile_object *o);

/* In how many runs it was looked what they look up. */
static inline uint32_t profile_runs_with_lookups(const struct profile *p)
{
	return p->n_runs - p->n_without_lookups;
}

/* Why PATH cannot stand in a profile ("is not absolute", ...), NULL: it can. */
const char *profile_path_problem(const char *path);

/*
 * Text to struct. Strict: RFC 8259 and nothing else, no duplicate keys, no NUL, integers
 * where integers belong, every limit of bounds.h, page runs sorted and disjoint and within
 * the size. DIAG is set on -EINVAL (bad text), -E2BIG (over a limit), -ESTALE ("elfcast" is
 * not 1). -ENOMEM sets none.
 */
int profile_parse(const char *text, size_t bytes, struct profile **ret, struct diag *diag);

/*
 * Struct to text: one canonical form (fixed order of keys and objects, one page run per
 * line), so that equal profiles are equal bytes. New buffer with a final newline and a NUL
 * behind. Writes only what profile_parse() takes: -EINVAL for a path or a text that cannot
 * stand in a profile, -E2BIG over a limit; -ENOMEM.
 */
int profile_write(const struct profile *p, char **ret, size_t *ret_bytes);

/*
 * Add the evidence of A and B: trained.runs are added, objects matched by path, build-id
 * and size, pages by pageset_merge(), lookups by their names. Associative and commutative to the byte: the longer
 * window counts; of other texts that differ (method, kernel, digest, values of extra keys)
 * the smaller by bytes. DIAG (without position) with -EINVAL when program, scenario or arch
 * differ and with -E2BIG; -ENOMEM sets none.
 */
int profile_merge(const struct profile *a, const struct profile *b, struct profile **ret,
		  struct diag *diag);

#endif
