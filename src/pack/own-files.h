/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that a boot of this machine reads and that no profile can name: what the boot itself
 * writes to, such as the journal, and what not everybody may read, such as a database. They
 * are never shipped, and nobody but root learns their names: boot.own is a container of its own,
 * mode 0600, which no compile and no index knows. Such a file is told by its path and inode
 * alone, since its content changes while the machine runs: pages that are not needed any more
 * cost a read, and nothing else.
 */
#ifndef ELFCAST_OWN_FILES_H
#define ELFCAST_OWN_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "shadow-format.h"
#include "store.h"

/* Of more files, of more pages altogether, and of pages further behind nothing is noted. */
enum { OWN_FILES = 4096, OWN_PAGES = 1 << 14, OWN_LAST_PAGE = 1 << 26 };

struct own_file {
	char *path;
	uint64_t ino, size_bytes;
	enum storage_class storage;
	uint32_t n_pages; /* items in when */
	uint8_t *when;	  /* by page: 0 untouched, else bucket of first touch + 1 */
};

struct own_files {
	struct own_file *items; /* in no order */
	size_t n, capacity;
};

/*
 * Copies FILE. Of a path that is there already, the pages of both are kept when it is the same
 * inode, else the newer one's. -ENOMEM; 0 when there are too many, too.
 */
int own_files_add(struct own_files *l, const struct own_file *file);
/* Add what was noted before; nothing, or what cannot be used, is no error. -ENOMEM. */
int own_files_load(const struct store *s, struct own_files *l);
/* Replace what was noted; an empty list removes it. */
int own_files_put(const struct store *s, struct own_files *l);
void own_files_done(struct own_files *l);

#endif
