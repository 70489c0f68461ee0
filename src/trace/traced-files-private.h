/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between traced-files.c, which finds files, and traced-finish.c, which judges them. */
#ifndef ELFCAST_TRACED_FILES_PRIVATE_H
#define ELFCAST_TRACED_FILES_PRIVATE_H

#include "traced-files.h"

/* 256 GiB: one byte per page is kept. Larger files are disk images, not parts of programs. */
#define MAX_FILE_PAGES (1u << 26)

/*
 * A name by which the kernel showed a file: (device, inode) of a descriptor, or those of a
 * mapping with the hash of its path. Mappings need the path: on btrfs their device is the
 * same for all subvolumes, whose inode numbers overlap.
 */
struct traced_alias {
	dev_t dev;
	ino_t ino;
	uint64_t path_hash;	  /* 0: a descriptor; else see traced-files.c */
	struct traced_file *file; /* NULL: empty slot */
};

struct traced_file *traced_alias_find(const struct traced_files *f,
				      const struct traced_alias *key);
/* ALIAS is not there yet. -ENOMEM. */
int traced_alias_add(struct traced_files *f, struct traced_alias alias);

/* Room for pages [0, N) at least. Without memory, or with too many, FILE is left out. */
void traced_file_make_room(struct traced_file *file, uint64_t n_pages);

/*
 * FILE is known by its mappings only: whether its path leads to it, and if so which file that
 * is. May wait for file systems. Returns the file to be used: FILE, maybe left out now, or the
 * one that is known by a descriptor, with the pages of both. NULL: no memory.
 */
struct traced_file *traced_file_resolve(struct traced_files *f, struct traced_file *file);

#endif
