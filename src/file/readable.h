/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_READABLE_H
#define ELFCAST_READABLE_H

#include <stdbool.h>

/*
 * Whether anybody may read the file at PATH (absolute, canonical): others' bits of its mode
 * and of each directory on the way. With an ACL these bits are its entry for others; whom an
 * ACL names gets no say. False where that cannot be told.
 */
bool file_is_readable_by_all(const char *path);
/* The same of the names in a directory. */
bool dir_is_readable_by_all(const char *path);
/* In a directory whose names anybody may read: whether anybody may read what has one, if anything. */
bool name_is_readable_by_all(const char *path);

#endif
