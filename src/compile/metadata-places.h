/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the file systems keep what looking up, opening and mapping the files of a pack
 * reads: runs of pages of their block devices, as a container of kind PLACES. Read ahead
 * before the pack (prefetch_run() takes both), they save a request or two a file.
 */
#ifndef ELFCAST_METADATA_PLACES_H
#define ELFCAST_METADATA_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "facts.h"
#include "shadow-read.h"
#include "store.h"

/*
 * Places for the files of PACK that have pages to be read, and with what the boot itself needs
 * those of RECORDED (boot-blocks.h; NULL: nothing). New buffer; the same files on the
 * same blocks give the same bytes. File systems that are not ext2, ext3 or ext4, or whose
 * device cannot be read, are left out. -ENOENT: nothing is left; -ENOMEM, -E2BIG, -EIO, ….
 */
int metadata_places_build(const struct shadow *pack, const struct shadow *recorded,
			  const struct facts_context *c, uint8_t **ret, size_t *ret_bytes);

/*
 * Places for the launch that S is the shadow of: its files that have pages to be read, and its
 * lookups. The rest as above.
 */
int metadata_places_of_launch(const struct shadow *s, const struct facts_context *c,
			      uint8_t **ret, size_t *ret_bytes);

/*
 * Bring the places file in line with PACK (NULL: there is none); written only when it
 * changes, removed when there is nothing to say. Not being able to read devices is no error.
 * Under the lock. 0, or negative errno when the file could not be written or removed.
 */
int metadata_places_update(const struct store *s, const struct facts_context *c,
			   const struct shadow *pack);

#endif
