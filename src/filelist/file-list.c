/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "file-list.h"
#include "macro.h"

static int compare_paths(const void *a, const void *b)
{
	return strcmp(a, b);
}

int file_list_add(struct file_list *l, const char *path)
{
	char *added;

	if (profile_path_problem(path))
		return -EINVAL;
	if (tfind(path, &l->seen, compare_paths))
		return 0;
	if (name_list_add(&l->paths, path) < 0)
		return -ENOMEM;
	added = l->paths.names[l->paths.n - 1];
	if (tsearch(added, &l->seen, compare_paths))
		return 0;
	free(added);
	l->paths.n--;
	return -ENOMEM;
}

static void keep(void *path)
{
	(void)path; /* it is in the list */
}

void file_list_done(struct file_list *l)
{
	tdestroy(l->seen, keep);
	name_list_done(&l->paths);
	l->seen = NULL;
}

/* ---- what is read ---- */

struct touched {
	const char *path;
	uint32_t when;
	uint32_t at; /* among those of the same WHEN */
};

static int compare_touched(const void *a, const void *b)
{
	const struct touched *x = a, *y = b;

	if (x->when != y->when)
		return x->when < y->when ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Those without a path are not read. */
static int add_touched(struct file_list *l, struct touched *t, size_t n)
{
	int r = 0;

	qsort(t, n, sizeof(*t), compare_touched);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (t[i].path)
			r = file_list_add(l, t[i].path);
	return r;
}

int file_list_add_profile(struct file_list *l, const struct profile *p)
{
	_cleanup_free_ struct touched *t = calloc(p->n_objects + 1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_objects; i++) {
		const struct pageset *pages = &p->objects[i].pages;

		t[i] = (struct touched){ .when = LIMIT_WHEN, .at = (uint32_t)i };
		for (size_t j = 0; j < pages->n_runs; j++) {
			t[i].path = p->objects[i].path;
			t[i].when = MIN(t[i].when, pages->runs[j].when);
		}
	}
	return add_touched(l, t, p->n_objects);
}

/* Of a pack an extent's WHEN is the rank of its launch. */
int file_list_add_shadow(struct file_list *l, const struct shadow *s)
{
	_cleanup_free_ struct touched *t = calloc(s->n_objects + 1u, sizeof(*t));

	if (!t)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_extents; i++) {
		uint32_t object = le32_get(s->extents[i].object);
		struct touched new = {
			.path = shadow_string(s, s->objects[object].path),
			.when = le32_get(s->extents[i].when),
			.at = i,
		};

		if (!t[object].path || compare_touched(&new, &t[object]) < 0)
			t[object] = new;
	}
	return add_touched(l, t, s->n_objects);
}

/* ---- what is looked up ---- */

static int add_name(struct file_list *l, const char *dir, const char *name)
{
	char path[LIMIT_PATH_BYTES + 1];
	int n = snprintf(path, sizeof(path), "%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
			 name);

	/* What is too long for a path leads nowhere. */
	return n < (int)sizeof(path) ? file_list_add(l, path) : 0;
}

int file_list_add_profile_names(struct file_list *l, const struct profile *p)
{
	int r = file_list_add(l, p->program);

	for (size_t i = 0; i < p->lookups.n; i++)
		for (size_t j = 0; r == 0 && j < p->lookups.dirs[i].n; j++)
			r = add_name(l, p->lookups.dirs[i].path,
				     p->lookups.dirs[i].names[j].name);
	return r;
}

int file_list_add_shadow_names(struct file_list *l, const struct shadow *s)
{
	struct shadow_lookups names = shadow_lookups(s);
	const char *name;
	int r = file_list_add(l, shadow_launched_as(s));

	while (r == 0 && (name = shadow_lookups_next(&names)))
		if (strcmp(name, SHADOW_LISTED) != 0)
			r = add_name(l, names.dir, name);
	return r;
}
