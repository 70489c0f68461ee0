/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of a profile that this version does not know: kept, merged and written back. */
#ifndef ELFCAST_EXTRA_H
#define ELFCAST_EXTRA_H

#include <stddef.h>

struct json_value;

struct extra_item {
	char *key;   /* resolved */
	char *value; /* its text, without white space */
};

/* Sorted by key once extra_sort() was called, no key twice. All zero is empty. */
struct extra {
	struct extra_item *items;
	size_t n, capacity;
};

/*
 * Append the member V of an object, a value of at most LIMIT_EXTRA_BYTES. -ENOMEM; -EINVAL:
 * json-c does not take what json_scan() took, which no version is known to do.
 */
int extra_add(struct extra *e, const struct json_value *v);
void extra_sort(struct extra *e);

/* Both are sorted; of two values of one key the smaller text. *RET must be empty. -ENOMEM. */
int extra_merge(const struct extra *a, const struct extra *b, struct extra *ret);

/* The key is not there any more. */
void extra_remove(struct extra *e, const char *key);

void extra_done(struct extra *e);

#endif
