/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_TRAIN_OWN_H
#define ELFCAST_TRAIN_OWN_H

#include <stdbool.h>

#include "recording.h"
#include "store.h"

/*
 * Note what T has of files that no profile names: changed while it was recorded, or not readable
 * for all (own-files.h). KEEP: add to what was noted before. 0 or negative errno.
 */
int train_own_put(const struct store *s, const struct trace_result *t, bool keep);

/* Add what T has of the file systems' own blocks to what was noted before (boot-blocks.h). */
int train_blocks_add(const struct store *s, const struct trace_result *t);

#endif
