/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Have files changed since they were recorded? One stat per file and one open per
 * directory, by the same rules by which facts are read: mount table first, no links.
 */
#ifndef ELFCAST_OBSERVE_H
#define ELFCAST_OBSERVE_H

#include "facts.h"
#include "last-dir.h"
#include "shadow-read.h"

struct observer {
	const struct facts_context *context;
	struct last_dir dir;
};

void observer_init(struct observer *o, const struct facts_context *c);
void observer_done(struct observer *o);

/* Whether the file of object RECORDED of S is as it was recorded. */
bool observer_is_unchanged(struct observer *o, const struct shadow *s,
			   const struct shadow_object *recorded);

#endif
