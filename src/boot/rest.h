/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is left to read: of what the boot itself needs, the files that were not there yet, because
 * their file system was mounted later; and what launches need, when the boot is over.
 */
#ifndef ELFCAST_REST_H
#define ELFCAST_REST_H

#include "shadow-read.h"

/*
 * Of what the boot needs, what an early run did not find or reach; SKIPS as below. *RET is like S,
 * and all of it is the boot's.
 */
int rest_find_eager(const struct shadow *s, const uint8_t *skips, struct shadow *ret);
/*
 * SKIPS: what became of each object of S (enum object_skip) when the boot's part was read; NULL:
 * it was not. In *RET the objects are those of S; its extents are S's or, where it has files of
 * the boot's, a new array, which is never freed: threads that hang may still use it. -ENOMEM.
 */
int rest_find(const struct shadow *s, const uint8_t *skips, struct shadow *ret);

#endif
