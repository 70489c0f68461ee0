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

int rest_find(const struct shadow *s, const uint8_t *skips, struct shadow *ret)
{
	struct shadow_extent *extents;
	uint32_t n = 0, n_later = s->n_extents - s->n_eager;

	*ret = shadow_slice(s, s->n_eager, s->n_extents);
	for (uint32_t i = 0; skips && i < s->n_eager; i++)
		n += was_not_there(s, skips, i);
	if (n == 0)
		return 0;
	extents = calloc((size_t)n + n_later, sizeof(*extents));
	if (!extents)
		return -ENOMEM;
	ret->extents = extents;
	ret->n_extents = n + n_later;
	for (uint32_t i = 0; i < s->n_eager; i++)
		if (was_not_there(s, skips, i))
			*extents++ = s->extents[i];
	memcpy(extents, s->extents + s->n_eager, n_later * sizeof(*extents));
	return 0;
}
