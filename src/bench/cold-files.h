/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of a launch, to be put out of the page cache and looked at there. What stays:
 * pages that running processes map, and what the kernel keeps elsewhere (directories,
 * inodes, block maps).
 */
#ifndef ELFCAST_COLD_FILES_H
#define ELFCAST_COLD_FILES_H

#include "blockdev.h"
#include "identity.h"
#include "launch-shadows.h"
#include "mounts.h"

struct cold_file {
	const char *path;		    /* borrowed from the shadows */
	const struct shadow_object *object; /* of its first shadow; borrowed */
	uint8_t *wanted; /* per page: 1 where the launch needs it. NULL: not of use */
	uint32_t n_pages, n_wanted;
	bool is_open;	 /* found and taken as prefetch would; else nothing below is set */
	bool is_visible; /* mincore(2) says the truth */
	struct identity identity;
	uint32_t n_left; /* wanted pages still there after the last eviction */
	uint32_t n_kept; /* and after the one that left most of all files' */
};

/* What an eviction left. */
struct cold_left {
	uint64_t n_visible; /* pages wanted, of files that can be looked at */
	uint64_t n_kept;    /* of them still cached */
};

struct cold_files {
	struct cold_file *items;
	size_t n, capacity;
	const struct store *store;
	const struct mounts *mounts;
	dev_t *devices; /* that hold the files */
	size_t n_devices, devices_capacity;
	size_t n_used;	     /* files that are read ahead */
	size_t n_changed;    /* that were, but changed since they were compiled */
	size_t n_invisible;  /* used files of which only root may see what is cached */
	size_t n_deviceless; /* used files whose device is not known */
	uint64_t n_wanted;   /* pages of used files */
	struct cold_left last, worst; /* of all evictions */
};

/* From the shadows in LIST, which must outlive *RET, as STORE and MOUNTS. -ENOMEM, -EMFILE. */
int cold_files_open(const struct launch_shadows *list, const struct store *store,
		    const struct mounts *mounts, struct cold_files *ret);
void cold_files_done(struct cold_files *c);

/*
 * Both: -ESTALE: a file is not the one it was at cold_files_open(); other errors are of
 * reading. *ret_path is the file then.
 */
/* Wait for what was asked for and is still on its way: it could not be evicted. */
int cold_files_settle(struct cold_files *c, const char **ret_path);
/* Put all pages of all files out of the cache. */
int cold_files_evict(struct cold_files *c, const char **ret_path);

/* What was read from their devices so far. -ENOENT: none is known. */
int cold_files_count_reads(const struct cold_files *c, struct blockdev_reads *ret);

#endif
