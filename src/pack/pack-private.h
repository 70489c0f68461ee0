/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What pack.c (collecting), pack-parts.c, pack-choose.c and pack-write.c share. */
#ifndef ELFCAST_PACK_PRIVATE_H
#define ELFCAST_PACK_PRIVATE_H

#include "pack.h"
#include "shadow-write.h"

/* One file in one state. */
struct pack_object {
	char *path;
	struct buildid buildid; /* the longest that a launch knew it by */
	struct identity identity;
	enum storage_class storage;
	uint32_t other; /* object of the same path in another state, or SHADOW_NONE */
	bool outdated;	/* one of the others is newer */
	/* Its pages in parts that no launch needs only half of: [bounds[i], bounds[i + 1]). */
	uint32_t *bounds; /* in one array for all objects */
	uint32_t n_bounds, first_part;
};

struct pack_extent {
	uint32_t object, first_pgno, n_pages, when;
	uint32_t first_part, n_parts;
};

struct pack_launch {
	struct pack_choice choice;
	char *text;			  /* its strings */
	uint32_t first_extent, n_extents; /* in order of first touch */
	uint32_t first_place, n_places;	  /* in pack's place_extents */
	const char *
		*lookups; /* where it has no places: owned, as the text of the first one */
	uint32_t n_lookups;
	uint64_t reading_us; /* all pages */
	uint64_t worth; /* saved time expected per page not in the pack yet, see judge() */
	uint32_t heap_place; /* SHADOW_NONE: not in the heap */
	/* Of sessions, or LAUNCHES_NEVER; 0 while it is about which ones, not in which order. */
	uint32_t time_s;
	uint32_t sweep; /* which one it is in, on disks that seek */
	uint32_t
		boot_place; /* among the programs that the boot starts; SHADOW_NONE: none */
	uint32_t n_files, n_usable_files; /* named, and not changed since */
	uint32_t n_started;		  /* programs that the boot starts among them */
	bool touched;
};

struct pack {
	struct pack_options options;
	struct pack_object *objects;
	size_t n_objects, objects_capacity;
	uint32_t *table; /* objects by path, open addressing; size a power of two */
	size_t table_size;
	struct pack_launch *launches;
	size_t n_launches, launches_capacity;
	struct pack_extent *extents;
	size_t n_extents, extents_capacity;
	/* File systems that places lie on, and these, by object, which is one of them. */
	struct object_desc *places;
	size_t n_places, places_capacity;
	struct extent_desc *place_extents;
	size_t n_place_extents, place_extents_capacity;
	/* After pack_choose(): */
	uint32_t *order; /* launches as pack_get() lists them */
	size_t n_taken;
	uint32_t *bounds;
	/* Per part: rank (place in order) of the launch that brings it, or SHADOW_NONE. */
	uint32_t *bringer;
	uint32_t n_parts;
};

/* Before the choice, that which has no verdict against it. */
static inline bool pack_is_candidate(const struct pack_launch *l)
{
	return l->choice.verdict == PACK_TAKEN;
}

/* Fills in the parts of objects and extents, and BRINGER. -ENOMEM. */
int pack_cut(struct pack *p);

/* The candidates that need each part. */
struct pack_shares {
	uint32_t *first; /* per part, and one more: into users */
	uint32_t *users; /* launches */
	uint32_t *pages; /* per part */
};

/* -ENOMEM, -E2BIG; *RET (zero) is to be freed in any case. */
int pack_find_shares(const struct pack *p, struct pack_shares *ret);
void pack_shares_done(struct pack_shares *s);

/* As containers have them; strings are borrowed. */
struct object_desc pack_describe_object(const struct pack_object *o);
struct launch_desc pack_describe_launch(const struct pack_choice *c);

#endif
