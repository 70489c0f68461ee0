/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pure: (profile, facts about its files) to shadow bytes; no I/O. And back: a shadow to the
 * profile that compiles to the same bytes on the same files.
 */
#ifndef ELFCAST_COMPILE_SHADOW_H
#define ELFCAST_COMPILE_SHADOW_H

#include "identity.h"
#include "profile.h"
#include "shadow-read.h"

/* What lies at the path of an object. */
struct file_facts {
	int error; /* 0, or negative errno: -ENOENT, -EINVAL (not regular), … */
	struct identity identity; /* zero with -ENOENT */
	struct buildid buildid;	  /* only looked for where the profile has one */
	bool is_other_layout;	  /* it has the id of the object's build, and is not it */
	enum storage_class storage;
};

/* Whether the file is the ELF file that was trained. */
bool object_is_build(const struct profile_object *o, const struct file_facts *f);

/*
 * PROGRAM: the file that P's program leads to. FACTS has one item per object of P, in its order. New
 * buffer. -ENOMEM, -E2BIG, -EINVAL.
 */
int compile_profile(const struct profile *p, const char *program,
		    const struct file_facts *facts, uint8_t **ret, size_t *ret_bytes);

/* S must be of kind SHADOW. New profile, -ENOMEM. */
int compile_dump(const struct shadow *s, struct profile **ret);

#endif
