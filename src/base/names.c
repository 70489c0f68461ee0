/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "names.h"
#include "vec.h"

int name_list_add_bytes(struct name_list *l, const char *name, size_t bytes)
{
	char *copy;

	if (VEC_RESERVE_ONE(l->names, l->n, l->capacity) < 0)
		return -ENOMEM;
	copy = strndup(name, bytes);
	if (!copy)
		return -ENOMEM;
	l->names[l->n++] = copy;
	return 0;
}

int name_list_add(struct name_list *l, const char *name)
{
	return name_list_add_bytes(l, name, strlen(name));
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void name_list_sort(struct name_list *l)
{
	if (l->n > 0)
		qsort(l->names, l->n, sizeof(l->names[0]), compare);
}

void name_list_sort_unique(struct name_list *l)
{
	size_t n = 0;

	name_list_sort(l);
	for (size_t i = 0; i < l->n; i++)
		if (n > 0 && strcmp(l->names[n - 1], l->names[i]) == 0)
			free(l->names[i]);
		else
			l->names[n++] = l->names[i];
	l->n = n;
}

bool name_list_has(const struct name_list *l, const char *name)
{
	return l->n > 0 && bsearch(&name, l->names, l->n, sizeof(l->names[0]), compare);
}

void name_list_done(struct name_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
	*l = (struct name_list){ 0 };
}

bool path_is_called(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return strcmp(path, name) == 0 || (slash && strcmp(slash + 1, name) == 0);
}
