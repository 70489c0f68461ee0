/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "prefetch-join.h"

static bool has_joins(const struct shadow *s)
{
	for (uint32_t i = 0; i < s->n_objects; i++)
		if ((s->objects[i].storage == STORAGE_ROTATIONAL ||
		     s->objects[i].storage == STORAGE_IMAGE) &&
		    le32_get(s->objects[i].first_extent) != SHADOW_NONE)
			return true;
	return false;
}

/* Along the chain of an object, which ascends by page. */
static void join_swept(const struct shadow *s, const struct shadow_object *o,
		       struct join *joins)
{
	uint32_t i = le32_get(o->first_extent), leader = i;
	uint64_t end = 0;

	for (; i != SHADOW_NONE; i = le32_get(s->extents[i].next)) {
		const struct shadow_extent *e = &s->extents[i];
		uint64_t first = le32_get(e->first_pgno);

		if (o->storage != STORAGE_ROTATIONAL || first > end + JOIN_HOLE_PAGES)
			leader = i;
		end = first + le32_get(e->n_pages);
		joins[i] = (struct join){ leader, 0, SHADOW_NONE };
		joins[leader].n_pages =
			(uint32_t)(end - le32_get(s->extents[leader].first_pgno));
	}
}

static uint32_t window_of(const struct shadow *s, uint32_t i)
{
	return le32_get(s->extents[i].first_pgno) / JOIN_WINDOW_PAGES;
}

static uint32_t hole_behind(const struct shadow *s, const struct join *joins, uint32_t low,
			    uint32_t high)
{
	return le32_get(s->extents[high].first_pgno) -
	       (le32_get(s->extents[low].first_pgno) + joins[low].n_pages);
}

/* All of one MiB behind the last piece of it. */
static void join_windows(const struct shadow *s, const struct shadow_object *o,
			 struct join *joins)
{
	uint32_t first = le32_get(o->first_extent);

	while (first != SHADOW_NONE) {
		uint32_t i, last = SHADOW_NONE;

		for (i = first; i != SHADOW_NONE && window_of(s, i) == window_of(s, first);
		     i = le32_get(s->extents[i].next)) {
			uint32_t n_pages = le32_get(s->extents[i].n_pages);

			joins[i] = (struct join){ 0, 0, SHADOW_NONE };
			if (last != SHADOW_NONE &&
			    hole_behind(s, joins, last, i) <= JOIN_HOLE_PAGES) {
				joins[last].n_pages +=
					hole_behind(s, joins, last, i) + n_pages;
			} else {
				joins[i] = (struct join){ 0, n_pages, last };
				last = i;
			}
		}
		for (uint32_t k = first; k != i; k = le32_get(s->extents[k].next))
			joins[k].leader = last;
		first = i;
	}
}

int join_extents(const struct shadow *s, struct join **ret)
{
	struct join *joins;

	*ret = NULL;
	if (!has_joins(s))
		return 0;
	joins = calloc(s->n_extents, sizeof(*joins));
	if (!joins)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].storage == STORAGE_IMAGE)
			join_windows(s, &s->objects[i], joins);
		else
			join_swept(s, &s->objects[i], joins);
	*ret = joins;
	return 0;
}
