/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages that were mapped together with one that was touched, by fault-around: whether they were
 * touched, too, nobody saw. Those that lie in a short hole between touched ones count: measured,
 * three of four were.
 */
#ifndef ELFCAST_MAPPED_ALONG_H
#define ELFCAST_MAPPED_ALONG_H

#include "traced-files.h"

/*
 * The longest hole that counts, in pages. Boots of four and of eight services, each recorded twice,
 * against what they touched (Linux 6.18): which share of the recorded pages was touched, and which
 * share of the touched ones recorded. A page too many costs a tenth of a request, one that is
 * missing a whole one, and mostly takes its neighbours along.
 *
 *   hole at most      0          8          16         20         24         32
 *   four services  .997 .405  .858 .710  .772 .911  .732 .960  .722 .987  .703 .991
 *   eight          .998 .435  .866 .703  .779 .908  .743 .953  .715 .981  .696 .990
 */
#define MAPPED_ALONG_HOLE 24u

/* Pages were mapped in bucket WHEN. Those that are known to be touched stay so. */
void traced_file_mark_along(struct traced_file *file, uint64_t first_pgno, uint64_t n_pages,
			    uint32_t when);
/* Once, at the end, after the last traced_file_mark(): decide. */
void traced_file_settle_along(struct traced_file *file);

#endif
