/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A strict look at JSON text before json-c sees it: json-c 0.16 accepts, even when strict,
 * duplicate keys, NUL in keys, NaN, numbers that do not fit, and takes whatever memory the
 * text asks for. Allocates nothing, recurses at most LIMIT_JSON_DEPTH deep.
 */
#ifndef ELFCAST_JSON_SCAN_H
#define ELFCAST_JSON_SCAN_H

#include <stddef.h>

#include "diag.h"

/* What a text holds: a tree made of it must hold the same. */
struct json_size {
	size_t n_values; /* with those inside others */
	size_t n_nulls;
	size_t n_bytes; /* of strings and keys, resolved; of numbers with fraction or
			   exponent */
};

/*
 * Exactly one value by RFC 8259, in valid UTF-8, nested at most LIMIT_JSON_DEPTH deep, at
 * most LIMIT_JSON_KEYS keys in an object and none twice, integers within int64_t, no
 * U+0000, no lone surrogates, and json-c's tree of it within LIMIT_JSON_TREE_BYTES. TEXT
 * needs no NUL behind it. 0, or DIAG set and -EINVAL (bad text) or -E2BIG (over a limit).
 */
int json_scan(const char *text, size_t bytes, struct json_size *ret, struct diag *diag);

/* One step from a value to a value in it. */
struct json_step {
	const char *key; /* NULL: an array, take INDEX */
	size_t index;
};

/*
 * Line and column (in DIAG; its message is left alone) of the value that STEPS lead to in
 * TEXT, which json_scan() has accepted. Where a step leads nowhere, of the value before it.
 */
void json_locate(const char *text, size_t bytes, const struct json_step *steps,
		 size_t n_steps, struct diag *diag);

#endif
