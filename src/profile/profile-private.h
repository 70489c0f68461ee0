/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between profile*.c: unknown keys, so that json-c stays in profile.c. */
#ifndef ELFCAST_PROFILE_PRIVATE_H
#define ELFCAST_PROFILE_PRIVATE_H

#include "profile.h"

/* One unknown key and its value as compact JSON text, which is borrowed from it. */
struct extra_item {
	const char *key;
	const char *value;
};

/* Sorted by key. New array of *ret_n items (NULL when EXTRA is). -ENOMEM. */
int extra_list(struct json_object *extra, struct extra_item **ret, size_t *ret_n);

/*
 * The keys of A and B (either may be NULL); of two values the one with the smaller text.
 * New, its values shared with A and B. -ENOMEM.
 */
int extra_merge(struct json_object *a, struct json_object *b, struct json_object **ret);

void extra_free(struct json_object *extra); /* takes NULL */

/* By path, build-id and size: the order in a profile. */
int profile_object_compare(const struct profile_object *a, const struct profile_object *b);

#endif
