/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mapped-along.h"
#include "bounds.h"
#include "macro.h"

/* In when[]: above all that traced_file_mark() writes, so that this goes before. */
#define ALONG	  (LIMIT_WHEN + 1)
#define ALONG_MAX (UINT8_MAX - ALONG - 1)

static bool is_along(uint8_t when)
{
	return when > ALONG;
}

static bool is_touched(uint8_t when)
{
	return when && !is_along(when);
}

void traced_file_mark_along(struct traced_file *file, uint64_t first_pgno, uint64_t n_pages,
			    uint32_t when)
{
	struct trace_object *o = &file->object;
	uint8_t mark = (uint8_t)(ALONG + 1 + MIN(when, ALONG_MAX));

	if (first_pgno >= o->n_pages)
		return;
	n_pages = MIN(n_pages, o->n_pages - first_pgno);
	for (uint64_t i = first_pgno; i < first_pgno + n_pages; i++) {
		file->n_used += !o->when[i];
		if (!o->when[i])
			o->when[i] = mark;
	}
}

/* Of pages [first, end), none of which is touched. */
static void settle_hole(struct traced_file *file, uint32_t first, uint32_t end, bool counts)
{
	uint8_t *when = file->object.when;

	for (uint32_t i = first; i < end; i++) {
		if (!when[i])
			continue;
		when[i] = counts ? (uint8_t)(when[i] - ALONG) : 0;
		file->n_used -= !counts;
	}
}

void traced_file_settle_along(struct traced_file *file)
{
	const struct trace_object *o = &file->object;
	uint32_t first = 0; /* of the hole */

	for (uint32_t i = 0; i < o->n_pages; i++) {
		if (!is_touched(o->when[i]))
			continue;
		settle_hole(file, first, i, first > 0 && i - first <= MAPPED_ALONG_HOLE);
		first = i + 1;
	}
	settle_hole(file, first, o->n_pages, false);
}
