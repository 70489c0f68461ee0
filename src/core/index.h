/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compile index: what the last compile saw of every profile, shadow and object, in the
 * container of a shadow (kind INDEX). It only saves work: without it everything is
 * compiled again, to the same bytes.
 *
 * Each launch is a profile that compiled: name, program, scenario; source and target are the
 * objects that are the profile's and the shadow's file. "arch" holds what else the result
 * depends on (program version, storage override).
 */
#ifndef ELFCAST_INDEX_H
#define ELFCAST_INDEX_H

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
/* Whether the file at PATH is not as recorded (or was not recorded). */
bool index_path_changed(const struct compile_index *x, const char *path);

/* Building the next one. Strings are copied. */
struct index_builder {
	struct index_entry *entries;
	size_t n_entries, entries_capacity;
	struct index_file *files;
	size_t n_files, files_capacity;
};

struct index_file {
	char *path;
	enum object_state state; /* MISSING, or anything else: there is something */
	enum storage_class storage;
	struct identity identity;
};

struct index_entry {
	char *name, *program, *scenario, *source, *target; /* the last two: paths */
};

/* All 0 or -ENOMEM. */
int index_add_entry(struct index_builder *b, const char *name, const char *program,
		    const char *scenario, const char *source, const char *target);
int index_add_file(struct index_builder *b, const struct index_file *f);
int index_write(struct index_builder *b, const char *parameters, uint8_t **ret,
		size_t *ret_bytes);
void index_builder_done(struct index_builder *b);

#endif
