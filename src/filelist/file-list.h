/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of launches, as tools that make images take them: elfcast-export(1). Knows nothing of
 * the files themselves: what is there, and what is a link, the caller finds out.
 */
#ifndef ELFCAST_FILE_LIST_H
#define ELFCAST_FILE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "names.h"
#include "profile.h"
#include "shadow-read.h"

/* Canonical paths in the order in which they came, none twice. All zero is empty. */
struct file_list {
	struct name_list paths;
	void *seen; /* tsearch(3), of strings in paths */
};

/* -EINVAL for what profile_path_problem() finds: nothing else can break a line. -ENOMEM. */
int file_list_add(struct file_list *l, const char *path);
void file_list_done(struct file_list *l);

/* Objects that are read, in the order of first touch; of a pack in that of its launches. */
int file_list_add_profile(struct file_list *l, const struct profile *p);
int file_list_add_shadow(struct file_list *l, const struct shadow *s);
/* What is looked up, there or not, and the program, which may be a link. */
int file_list_add_profile_names(struct file_list *l, const struct profile *p);
int file_list_add_shadow_names(struct file_list *l, const struct shadow *s);

enum file_list_format {
	FILE_LIST_PATHS,
	FILE_LIST_SQUASHFS,
	FILE_LIST_CPIO,
	FILE_LIST_TAR,
	FILE_LIST_EROFS,
	FILE_LIST_ESTARGZ,
	FILE_LIST_NYDUS,
	FILE_LIST_SOCI,
	FILE_LIST_FORMATS,
};

/* By its name; false: there is none. */
bool file_list_find_format(const char *name, enum file_list_format *ret);

/*
 * FILES, in archives behind LINKS, as text: new, with a NUL behind. *ret_left_out: how many
 * paths this format cannot express. -ENOMEM.
 */
int file_list_write(const struct file_list *files, const struct file_list *links,
		    enum file_list_format format, char **ret, size_t *ret_bytes,
		    size_t *ret_left_out);

#endif
