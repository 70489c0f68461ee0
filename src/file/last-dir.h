/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory of the file that was looked at last: who asks in path order opens each once. */
#ifndef ELFCAST_LAST_DIR_H
#define ELFCAST_LAST_DIR_H

#include <stddef.h>

struct last_dir {
	char *path; /* with its final slash; NULL: none yet, as when all of this is zero */
	int fd;	    /* or its error, which stays for its files */
};

/*
 * The directory that PATH (absolute, canonical) is in, below ROOTFD and by no link: a descriptor, borrowed until the
 * next call, or negative errno. *RET_NAME: of the file in it, a part of PATH.
 */
int last_dir_of(struct last_dir *d, int rootfd, const char *path, const char **ret_name);
void last_dir_done(struct last_dir *d);

#endif
