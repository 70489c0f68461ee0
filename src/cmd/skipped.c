/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "skipped.h"
#include "log.h"
#include "object-open.h"

bool skipped_is(enum object_skip skip)
{
	return skip != OBJECT_USED && skip != OBJECT_NO_PAGES;
}

/* A profile of several releases has many that are not of this one. */
static bool is_told(enum object_skip skip)
{
	return skipped_is(skip) && skip != OBJECT_NOT_VALID;
}

unsigned skipped_count(const struct prefetch_report *r)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < r->n_objects; i++)
		n += is_told(r->skips[i]);
	return n;
}

void skipped_tell(const struct shadow_buffer *l, const struct prefetch_report *r)
{
	unsigned n_not_valid = 0;

	for (uint32_t i = 0; i < r->n_objects; i++) {
		n_not_valid += r->skips[i] == OBJECT_NOT_VALID;
		if (is_told(r->skips[i]))
			log_debug("%s: skipped: %s",
				  shadow_string(&l->shadow, l->shadow.objects[i].path),
				  object_skip_text(r->skips[i]));
	}
	if (n_not_valid > 0)
		log_debug("%u object%s of the profile %s not here, or %s of another build: "
			  "see 'elfcast show'",
			  n_not_valid, n_not_valid == 1 ? "" : "s",
			  n_not_valid == 1 ? "is" : "are", n_not_valid == 1 ? "is" : "are");
}
