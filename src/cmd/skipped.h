/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of a launch's objects were not read ahead, and why, for people. */
#ifndef ELFCAST_SKIPPED_H
#define ELFCAST_SKIPPED_H

#include "prefetch-job.h"
#include "shadow-read.h"

bool skipped_is(enum object_skip skip);
/* Of those that compile has found to be usable. */
unsigned skipped_count(const struct prefetch_report *r);
/* With --verbose: each of these, and how many compile has not found to be. */
void skipped_tell(const struct shadow_buffer *l, const struct prefetch_report *r);

#endif
