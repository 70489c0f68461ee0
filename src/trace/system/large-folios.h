/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folios of several pages in the page cache. On some kernels (6.18, 7.2; not 6.12 but for those
 * of 2 MiB) the first fault in one maps all of it: one event, and what is touched later in it
 * causes none.
 */
#ifndef ELFCAST_LARGE_FOLIOS_H
#define ELFCAST_LARGE_FOLIOS_H

#include <stdbool.h>

#include "recording.h"

/* Whether a fault does that here: tried with memory of our own. Needs root. */
bool large_folios_map_whole(void);

/*
 * How many of the marked pages of the file at O's path lie in large folios now. Looks only at
 * what is cached. Needs root; what cannot be told counts as 0.
 */
uint64_t large_folios_count(const struct trace_object *o);

#endif
