/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_RENAMED_H
#define ELFCAST_RENAMED_H

#include <stdbool.h>

/* Whether the names differ in numbers at most: libz.so.1.2.13 and libz.so.1.3.1; one behind a dot may be missing. */
bool names_are_alike(const char *a, const char *b);
/* PATH with a 0 for each number, as new text: the same for all that are alike. NULL: no memory. */
char *renamed_stem(const char *path);
/* PATH is missing, A and B are alike: whether A takes its place sooner than B. */
bool renamed_is_better(const char *a, const char *b, const char *path);

/*
 * The regular file PATH (absolute, canonical) beneath ROOTFD, or where it is missing the one that
 * differs in numbers only, of several the one that has most of them, or the highest. Links are not followed. -ENOENT; -ENOMEM. *RET
 * is new.
 */
int renamed_find(int rootfd, const char *path, char **ret);

#endif
