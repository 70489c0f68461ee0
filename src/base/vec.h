/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_VEC_H
#define ELFCAST_VEC_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * Make room for one more item in a growing array: *items (of n items, room for *capacity)
 * is reallocated when full. 0 or -ENOMEM; on failure the array is as before.
 */
static inline int vec_reserve_one(void **items, size_t n, size_t *capacity,
				  size_t item_bytes)
{
	size_t want, bytes;
	void *p;

	if (n < *capacity)
		return 0;
	want = *capacity ? *capacity * 2 : 8;
	if (__builtin_mul_overflow(want, item_bytes, &bytes))
		return -ENOMEM;
	p = realloc(*items, bytes);
	if (!p)
		return -ENOMEM;
	*items = p;
	*capacity = want;
	return 0;
}

#define VEC_RESERVE_ONE(items, n, capacity)                                                \
	vec_reserve_one((void **)&(items), (n), &(capacity), sizeof((items)[0]))

#endif
