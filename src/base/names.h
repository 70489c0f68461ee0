/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of files, and lists of names that own their strings. */
#ifndef ELFCAST_NAMES_H
#define ELFCAST_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct name_list {
	char **names;
	size_t n, capacity;
};

/* Append a copy of NAME, or of its first BYTES. 0 or -ENOMEM, then the list is as before. */
int name_list_add(struct name_list *l, const char *name);
int name_list_add_bytes(struct name_list *l, const char *name, size_t bytes);
/* In the order of their bytes; the second one also drops what is there twice. */
void name_list_sort(struct name_list *l);
void name_list_sort_unique(struct name_list *l);
/* L is sorted. */
bool name_list_has(const struct name_list *l, const char *name);
void name_list_done(struct name_list *l);

/* Whether NAME is PATH, or the last part of it. */
bool path_is_called(const char *path, const char *name);

#endif
