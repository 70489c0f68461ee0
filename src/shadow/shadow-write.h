/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plain structs to container bytes. Deterministic: same input, same bytes. */
#ifndef ELFCAST_SHADOW_WRITE_H
#define ELFCAST_SHADOW_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "buildid.h"
#include "identity.h"
#include "shadow-format.h"

struct launch_desc {
	const char *program, *scenario, *arch, *name;
	uint32_t source, target; /* of an index: object index or SHADOW_NONE */
	uint32_t first_extent, n_extents;
	/* Of a shadow or bundle: each directory, and behind it SHADOW_LISTED and names in it, in order. */
	const char *const *lookups;
	uint32_t n_lookups;
};

struct object_desc {
	const char *path;
	struct buildid buildid;
	uint64_t wanted_bytes;
	enum object_state state;
	enum storage_class storage;
	uint8_t confidence; /* 0: trained; else retargeted, 1..100 */
	struct identity identity;
};

struct extent_desc {
	uint32_t object, first_pgno, n_pages, when;
};

/* For qsort(3), reading order of a launch: first touch, then as objects and their pages lie. */
int extent_desc_compare(const void *a, const void *b);

struct shadow_desc {
	enum shadow_kind kind;
	const struct launch_desc *launches;
	const struct object_desc *objects;
	const struct extent_desc *extents;
	uint32_t n_launches, n_objects, n_extents;
	uint32_t n_eager; /* of a pack or places: the first extents, read during the boot */
};

/*
 * Objects sorted by path, build-id, wanted_bytes; extents of a shadow, of places, and of
 * each launch of a bundle by when, object, first_pgno. New buffer. -E2BIG over the kind's limit, -ENOMEM. What it writes is what shadow_parse()
 * accepts: breaking a rule of elfcast-shadow(5) in DESC is -EINVAL.
 */
int shadow_write(const struct shadow_desc *desc, uint8_t **ret, size_t *ret_bytes);

/*
 * DATA, a container that was parsed, for files that are going to be copied: from now on those without a
 * build-id are told by path and size, as nothing else of them stays (elfcast-shadow(5)). In place.
 */
void shadow_forget_inodes(uint8_t *data, size_t bytes);

#endif
