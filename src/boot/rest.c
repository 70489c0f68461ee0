/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object-open.h"
#include "rest.h"

static bool was_not_there(const struct shadow *s, const uint8_t *skips, uint32_t extent)
{
	uint8_t skip = skips[le32_get(s->extents[extent].object)];

	return skip == OBJECT_GONE || skip == OBJECT_NOT_LOCAL;
}

static bool was_not_read(const struct shadow *s, const uint8_t *skips, uint32_t extent)
{
	return was_not_there(s, skips, extent) ||
	       skips[le32_get(s->extents[extent].object)] == OBJECT_NOT_REACHED;
}

/* In RET: the boot's extents of S of which IS_LEFT, and those from its N_EAGER on up to END. */
static int collect(const struct shadow *s, const uint8_t *skips, uint32_t end,
		   bool (*is_left)(const struct shadow *, const uint8_t *, uint32_t),
		   struct shadow *ret)
{
	uint32_t n = 0, n_later = end - s->n_eager;
	struct shadow_extent *extents;

	*ret = shadow_slice(s, s->n_eager, end);
	for (uint32_t i = 0; i < s->n_eager; i++)
		n += is_left(s, skips, i);
	if (n == 0)
		return 0;
	extents = calloc((size_t)n + n_later, sizeof(*extents));
	if (!extents)
		return -ENOMEM;
	ret->extents = extents;
	ret->n_extents = n + n_later;
	for (uint32_t i = 0; i < s->n_eager; i++)
		if (is_left(s, skips, i))
			*extents++ = s->extents[i];
	memcpy(extents, s->extents + s->n_eager, n_later * sizeof(*extents));
	return 0;
}

int rest_find_eager(const struct shadow *s, const uint8_t *skips, struct shadow *ret)
{
	int r = 0;

	if (skips)
		r = collect(s, skips, s->n_eager, was_not_read, ret);
	else
		*ret = shadow_slice(s, 0, s->n_eager);
	if (r == 0)
		ret->n_eager = ret->n_extents;
	return r;
}

int rest_find(const struct shadow *s, const uint8_t *skips, struct shadow *ret)
{
	if (skips)
		return collect(s, skips, s->n_extents, was_not_there, ret);
	*ret = shadow_slice(s, s->n_eager, s->n_extents);
	return 0;
}
