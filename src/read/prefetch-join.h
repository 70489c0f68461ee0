/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * On a disk that seeks, what a launch needs of a file is read in few long pieces, holes
 * along: it is asked for in the order of first touch, and going back for a neighbour costs
 * half a turn. Shadows hold no such holes, so that a pack, which is read in one sweep, does
 * not pay for them.
 *
 * Of a compressed image each page asked for unpacks its cluster from the start, and erofs keeps
 * only what lies before that page (Linux 6.18: a launch from clusters of 1 MiB took 2,863 ms upwards
 * and 180 downwards). So what a launch needs of one MiB of a file is asked for together, from the last
 * page to the first. What lies below an image nobody tells, and compressed holes are short: they are read along
 * as well, in calls of up to that MiB. From clusters of 4 KiB with the kernel's own read-ahead, in ms, plain, in calls
 * of 128 KiB without holes, and so: hard disk, git 338, 673, 362; perl 407, 466, 338; curl 755, 823, 503; gdb
 * 2,211, 2,430, 1,572; SD card, git 123, 118, 106; gdb 837, 442, 408; perl 151, 87, 91. squashfs keeps the whole
 * block, and does not mind. Pure; libc only.
 */
#ifndef ELFCAST_PREFETCH_JOIN_H
#define ELFCAST_PREFETCH_JOIN_H

#include "shadow-read.h"

/*
 * Holes that are read along: longer ones were measured to lose. With at most 5 in place of
 * 32, Chromium started together on the lab's hard disk took 8.4 s in place of 5.0.
 */
#define JOIN_HOLE_PAGES	  32u

/* Of an image: the largest cluster that erofs has. */
#define JOIN_WINDOW_PAGES 256u

struct join {
	/*
	 * The extent that stands for what is asked for together, its own when alone: on a disk that seeks the
	 * first by page, of an image the first of the last piece.
	 */
	uint32_t leader;
	uint32_t
		n_pages; /* to ask for from its first page on: a leader's whole piece; 0: none */
	uint32_t
		below; /* of an image: the next one of the piece to ask for, or SHADOW_NONE */
};

/*
 * One for each extent of S. Extents on other storage are alone. New array; *RET is NULL when
 * nothing lies on a disk that seeks, nor in an image. -ENOMEM.
 */
int join_extents(const struct shadow *s, struct join **ret);

#endif
