/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "prefetch-join.h"

static bool is_rotational(const struct shadow_object *o)
{
	return o->storage == STORAGE_ROTATIONAL;
}

static bool has_rotational(const struct shadow *s)
{
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (is_rotational(&s->objects[i]) &&
		    le32_get(s->objects[i].first_extent) != SHADOW_NONE)
			return true;
	return false;
}

/* Along the chain of an object, which ascends by page. */
static void join_object(const struct shadow *s, const struct shadow_object *o,
			struct join *joins)
{
	uint32_t i = le32_get(o->first_extent), leader = i;
	uint64_t end = 0;

	for (; i != SHADOW_NONE; i = le32_get(s->extents[i].next)) {
		const struct shadow_extent *e = &s->extents[i];
		uint64_t first = le32_get(e->first_pgno);

		if (!is_rotational(o) || first > end + JOIN_HOLE_PAGES)
			leader = i;
		end = first + le32_get(e->n_pages);
		joins[i].leader = leader;
		joins[leader].n_pages =
			(uint32_t)(end - le32_get(s->extents[leader].first_pgno));
	}
}

int join_extents(const struct shadow *s, struct join **ret)
{
	struct join *joins;

	*ret = NULL;
	if (!has_rotational(s))
		return 0;
	joins = calloc(s->n_extents, sizeof(*joins));
	if (!joins)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_objects; i++)
		join_object(s, &s->objects[i], joins);
	*ret = joins;
	return 0;
}
