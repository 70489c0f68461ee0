/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the store share: directories below the root, and replacing a file. */
#ifndef ELFCAST_STORE_PRIVATE_H
#define ELFCAST_STORE_PRIVATE_H

#include <sys/stat.h>

#include "store.h"

/* A directory below the root, whose links cannot lead out of it. Links are followed. */
int store_open_dir(const struct store *s, const char *path);
/* The same as mkdir -p makes it, at most 127 bytes. */
int store_make_dir(const struct store *s, const char *path);
/* Where the shadows are. */
int store_open_shadows(const struct store *s);

/* A file in DIR for reading, never through a link, never waiting for anybody. */
int store_open_file(int dir, const char *name);
/*
 * Replace NAME in DIR: temporary file, write, check, rename; DURABLE: each fsynced. One
 * temporary name for a file is enough, who writes holds a lock. NAME has at most 200 bytes.
 */
int store_replace(int dir, const char *name, const void *data, size_t bytes, mode_t mode,
		  bool durable);
/* The temporary name for NAME. */
enum { TEMPORARY_BYTES = 256 };
void store_temporary_name(const char *name, char ret[static TEMPORARY_BYTES]);
/*
 * Make room for a regular file NAME in DIR, which is ours: what else is there goes, a
 * directory with something in it is moved aside. 0: there was no need to; 1; or negative errno.
 */
int store_clear(int dir, const char *name);

/* Calls EACH for every name but "." and ".." until it returns other than 0; takes DIRFD. */
int store_for_each_name(int dirfd, int (*each)(int dirfd, const char *name, void *userdata),
			void *userdata);

#endif
