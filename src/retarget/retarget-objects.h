/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A profile whose files are other builds than those trained becomes one of the builds that are there. */
#ifndef ELFCAST_RETARGET_OBJECTS_H
#define ELFCAST_RETARGET_OBJECTS_H

#include "evidence.h"
#include "layout.h"
#include "profile.h"

/* What lies at the path of an object. */
struct retarget_file {
	bool is_readable; /* and regular */
	bool is_missing;
	struct buildid buildid;
	uint64_t size_bytes;
	bool is_trained_build;
};

/* One for many profiles, which name the same libraries. */
struct retargeter {
	int rootfd;	 /* borrowed */
	uint64_t cpu_us; /* of this process, at which it takes on no more: 0, at once */
	struct known_layout {
		char *path;
		int error;
		struct layout layout;
	} * known;
	size_t n_known, known_capacity, known_bytes;
	struct evidence evidence; /* of objects that have none of their own */
};

void retargeter_done(struct retargeter *t);

/*
 * FILES are those of the objects of P, whose program is the file PROGRAM. Objects that can be retargeted become ones of the build that
 * is there, those that other releases alone need (evidence.h) go, and P is sorted again. *RET_CHANGED: some did. *RET_DEFERRED: some were left as they
 * are for want of time. -ENOMEM is not told: they are left, too.
 */
void retarget_objects(struct retargeter *t, struct profile *p, const char *program,
		      const struct retarget_file *files, bool *ret_changed,
		      bool *ret_deferred);

#endif
