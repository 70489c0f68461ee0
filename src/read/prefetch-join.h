/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * On a disk that seeks, what a launch needs of a file is read in few long pieces, holes
 * along: it is asked for in the order of first touch, and going back for a neighbour costs
 * half a turn. Shadows hold no such holes, so that a pack, which is read in one sweep, does
 * not pay for them. Pure; libc only.
 */
#ifndef ELFCAST_PREFETCH_JOIN_H
#define ELFCAST_PREFETCH_JOIN_H

#include "shadow-read.h"

/*
 * Holes that are read along: longer ones were measured to lose. With at most 5 in place of
 * 32, Chromium started together on the lab's hard disk took 8.4 s in place of 5.0.
 */
#define JOIN_HOLE_PAGES 32u

struct join {
	uint32_t leader;  /* the first extent of the piece, by page: its own when alone */
	uint32_t n_pages; /* of a leader: from its first page to the piece's end; else 0 */
};

/*
 * One for each extent of S. Extents on other storage are alone. New array; *RET is NULL when
 * nothing lies on a disk that seeks. -ENOMEM.
 */
int join_extents(const struct shadow *s, struct join **ret);

#endif
