/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compile index: what the last compile saw of every profile, shadow and object, in the
 * container of a shadow (kind INDEX). It only saves work: without it everything is
 * compiled again, to the same bytes.
 *
 * Each launch is a profile that compiled: name, program, scenario; source and target are the
 * objects that are the profile's and the shadow's file, its extents name the objects that it
 * depends on. "arch" holds what else the result depends on (program version, storage
 * override). What did not change is carried over to the next index without reading a shadow.
 */
#ifndef ELFCAST_COMPILE_INDEX_H
#define ELFCAST_COMPILE_INDEX_H

#include "facts.h"
#include "shadow-read.h"
#include "store.h"

struct compile_index {
	uint8_t *data;
	size_t bytes;
	struct shadow shadow; /* all zero when there is no index */
	bool *changed;	      /* per object: not as recorded any more */
	bool any_changed;
};

/* Read the index, if there is one that is whole, and compare every object with its file. */
int index_load(const struct store *s, const struct facts_context *facts,
	       struct compile_index *ret);
void index_done(struct compile_index *x);

/* The launch of the profile named NAME compiled with PARAMETERS, or NULL. */
const struct shadow_launch *index_find(const struct compile_index *x, const char *name,
				       const char *parameters);
/* The profile of L, its shadow or a file that it depends on, which is not as recorded; NULL: none. */
const char *index_changed(const struct compile_index *x, const struct shadow_launch *l);
/* Whether anything is recorded of the file at PATH. */
bool index_has(const struct compile_index *x, const char *path);
/* Paths of the profile's and the shadow's file. Borrowed. */
const char *index_source(const struct compile_index *x, const struct shadow_launch *l);
const char *index_target(const struct compile_index *x, const struct shadow_launch *l);

struct index_file {
	char *path;
	enum object_state state; /* MISSING, or anything else: there is something */
	enum storage_class storage;
	struct identity identity;
};

/* Building the next one. Strings are copied, those of the old index borrowed. */
struct index_builder {
	const struct compile_index *old;
	struct index_entry *entries;
	size_t n_entries, entries_capacity;
	struct index_file *files; /* of the new entries, each entry's in a row */
	size_t n_files, files_capacity;
};

/* All 0 or -ENOMEM. L: a launch of OLD that is right as it is. */
int index_keep(struct index_builder *b, const struct shadow_launch *l);
/* A new entry, and then the objects that it depends on, in any order. */
int index_add_entry(struct index_builder *b, const char *name, const char *program,
		    const char *scenario, const struct index_file *source,
		    const struct index_file *target);
int index_add_file(struct index_builder *b, const struct index_file *f);
/* A file that no entry depends on, but all of them together. */
int index_add_common_file(struct index_builder *b, const struct index_file *f);
int index_write(struct index_builder *b, const char *parameters, uint8_t **ret,
		size_t *ret_bytes);
void index_builder_done(struct index_builder *b);

#endif
