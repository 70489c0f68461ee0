/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Container bytes, checked once and completely (sizes, checksum, every index, order, states,
 * zero in reserved bytes, strings); after that accessors cannot fail. libc only.
 */
#ifndef ELFCAST_SHADOW_READ_H
#define ELFCAST_SHADOW_READ_H

#include <stddef.h>
#include <stdint.h>

#include "buildid.h"
#include "identity.h"
#include "shadow-format.h"

struct shadow {
	enum shadow_kind kind;
	uint32_t n_launches, n_objects, n_extents;
	uint32_t n_eager; /* at most n_extents: the first ones, read during the boot */
	/* Borrowed from the caller's buffer. */
	const struct shadow_launch *launches;
	const struct shadow_object *objects;
	const struct shadow_extent *extents;
	const char *strings;
	/* What the launch looks up, of a bundle all of them: see shadow_lookups_next(). */
	const char *lookups;
	uint32_t n_lookups;
};

/*
 * Borrows DATA, which must outlive *RET. -ESTALE: whole, but of another version;
 * -EBADMSG: anything else that is wrong. Allocates nothing; time is linear in BYTES.
 */
int shadow_parse(const void *data, size_t bytes, struct shadow *ret);

/* The same, and of that KIND: another is -EBADMSG. */
int shadow_parse_kind(const void *data, size_t bytes, enum shadow_kind kind,
		      struct shadow *ret);

/*
 * A launch's file: a shadow, and behind it the places of its metadata; without them *ret_places is
 * empty. One that is damaged or of another version makes all of it so.
 */
int shadow_parse_launch(const void *data, size_t bytes, struct shadow *ret,
			struct shadow *ret_places);

/* A container in memory of its own; of kind SHADOW a launch's file. */
struct shadow_buffer {
	uint8_t *data; /* owned; what shadow and places borrow from */
	size_t bytes;
	struct shadow shadow;
	struct shadow places; /* empty: none */
	char *profile; /* owned; the profile it was compiled from, where that is known */
};

/* As shadow_parse_kind() and shadow_parse_launch(). Takes DATA, also on failure; then *RET is as before. */
int shadow_buffer_parse(uint8_t *data, size_t bytes, enum shadow_kind kind,
			struct shadow_buffer *ret);
/* The same of all that FD has, at most LIMIT_BYTES: also errors of io_read_file(). */
int shadow_buffer_read(int fd, size_t limit_bytes, enum shadow_kind kind,
		       struct shadow_buffer *ret);
void shadow_buffer_done(struct shadow_buffer *b);

/* The sum in its header: which container it is. */
static inline uint64_t shadow_buffer_sum(const struct shadow_buffer *b)
{
	return le64_get(((const struct shadow_header *)(const void *)b->data)->xxh3);
}

/* Checked strings, never NULL. */
static inline const char *shadow_string(const struct shadow *s, le32 offset)
{
	return s->strings + le32_get(offset);
}

/* Of a shadow: the path by which its program is launched; a link may be at its end. */
static inline const char *shadow_launched_as(const struct shadow *s)
{
	const char *link = shadow_string(s, s->launches[0].name);

	return *link ? link : shadow_string(s, s->launches[0].program);
}

struct buildid shadow_object_buildid(const struct shadow_object *o);
struct identity shadow_object_identity(const struct shadow_object *o);
/* VALID or WHOLE, in a bundle FILESYSTEM: the only objects that have extents. */
bool shadow_object_is_usable(const struct shadow_object *o);
/*
 * S with its extents from FIRST on, up to END, as if it had no others: borrows the same bytes.
 * The chains of its objects are those of S, and not to be followed.
 */
struct shadow shadow_slice(const struct shadow *s, uint32_t first, uint32_t end);
uint64_t shadow_count_pages(const struct shadow *s);

/* What a launch looks up, a name a step. */
struct shadow_lookups {
	const char *dir; /* of the name that came last: canonical, "/" too */
	const char *next;
	uint32_t n_left;
};

static inline struct shadow_lookups shadow_lookups(const struct shadow *s)
{
	return (struct shadow_lookups){ .next = s->lookups, .n_left = s->n_lookups };
}

/*
 * What launch number LAUNCH of a shadow or bundle looks up, as a launch_desc has it: a new array of
 * strings of S, which lie one behind the other; NULL: nothing. -ENOMEM.
 */
int shadow_list_lookups(const struct shadow *s, uint32_t launch, const char ***ret,
			uint32_t *ret_n);

/* The next name in l->dir, SHADOW_LISTED for all that are there; NULL: that was all. */
const char *shadow_lookups_next(struct shadow_lookups *l);

#endif
