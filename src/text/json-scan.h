/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The gate of every JSON text that is read: strict, before anybody believes a byte of it.
 * Allocates nothing, recurses at most LIMIT_JSON_DEPTH deep. What it let through is read with
 * json-read.h.
 */
#ifndef ELFCAST_JSON_SCAN_H
#define ELFCAST_JSON_SCAN_H

#include <stddef.h>

#include "diag.h"

/* What a text holds: another text of the same value holds the same. */
struct json_size {
	size_t n_values; /* with those inside others */
	size_t n_nulls;
	size_t n_bytes; /* of strings and keys, resolved; of numbers with fraction or
			   exponent */
};

/*
 * Exactly one value by RFC 8259, in valid UTF-8, at most LIMIT_PROFILE_BYTES, nested at most
 * LIMIT_JSON_DEPTH deep, at most LIMIT_JSON_KEYS keys in an object and none twice, integers
 * within int64_t, no U+0000, no lone surrogates. TEXT needs no NUL behind it. RET may be
 * NULL. 0, or DIAG set and -EINVAL (bad text) or -E2BIG (over a limit).
 */
int json_scan(const char *text, size_t bytes, struct json_size *ret, struct diag *diag);

/* Line and column of TEXT[AT] in DIAG, whose message is left alone. */
void json_position(const char *text, size_t at, struct diag *diag);

#endif
