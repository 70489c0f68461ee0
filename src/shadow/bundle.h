/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launches of a bundle: found by program, and taken out one at a time. libc only.
 */
#ifndef ELFCAST_BUNDLE_H
#define ELFCAST_BUNDLE_H

#include <stdint.h>

#include "shadow-read.h"

/* Launches of PROGRAM in BUNDLE: *RET_FIRST is the first; returns how many, may be 0. */
uint32_t bundle_find(const struct shadow *bundle, const char *program, uint32_t *ret_first);

/*
 * Launch number LAUNCH as the file that it was compiled to, shadow and places, less the objects that
 * have no pages, and where it has places less the lookups. New. -ENOMEM; -EINVAL: its extents overlap.
 */
int bundle_take(const struct shadow *bundle, uint32_t launch, struct shadow_buffer *ret);

/*
 * S, of kind SHADOW, that a program brings along, as one of PATH, where that program lies, which is on STORAGE: less
 * the objects that have no pages. New. -ENOMEM.
 */
int shadow_take_brought(const struct shadow *s, const char *path,
			enum storage_class storage, struct shadow_buffer *ret);

#endif
