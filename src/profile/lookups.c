/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "bounds.h"
#include "lookups.h"
#include "macro.h"
#include "profile.h"
#include "utf8.h"
#include "vec.h"

static void dir_done(struct lookup_dir *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->names[i].name);
	free(d->names);
	free(d->path);
}

void lookups_done(struct lookups *l)
{
	for (size_t i = 0; i < l->n; i++)
		dir_done(&l->dirs[i]);
	free(l->dirs);
	*l = (struct lookups){ 0 };
}

struct lookup_dir *lookups_add_dir(struct lookups *l, const char *path, size_t bytes,
				   uint32_t listed)
{
	struct lookup_dir d = { .listed = listed };

	if (VEC_RESERVE_ONE(l->dirs, l->n, l->capacity) < 0)
		return NULL;
	d.path = strndup(path, bytes);
	if (!d.path)
		return NULL;
	l->dirs[l->n] = d;
	return &l->dirs[l->n++];
}

void lookups_drop_last(struct lookups *l)
{
	dir_done(&l->dirs[--l->n]);
}

int lookup_dir_add(struct lookup_dir *d, const char *name, size_t bytes, uint32_t runs)
{
	char *copy;

	if (VEC_RESERVE_ONE(d->names, d->n, d->capacity) < 0)
		return -ENOMEM;
	copy = strndup(name, bytes);
	if (!copy)
		return -ENOMEM;
	d->names[d->n++] = (struct lookup_name){ copy, runs };
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct lookup_name *)a)->name,
		      ((const struct lookup_name *)b)->name);
}

const char *lookup_dir_sort(struct lookup_dir *d)
{
	if (d->n > 1)
		qsort(d->names, d->n, sizeof(d->names[0]), compare_names);
	for (size_t i = 1; i < d->n; i++)
		if (compare_names(&d->names[i - 1], &d->names[i]) == 0)
			return d->names[i].name;
	return NULL;
}

size_t lookups_count(const struct lookups *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->dirs[i].n;
	return n;
}

size_t lookups_count_listed(const struct lookups *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->dirs[i].listed > 0;
	return n;
}

/* ---- room ---- */

static size_t string_bytes(const char *s)
{
	size_t n = strlen("\"\", ");

	for (; *s; s++)
		n += 1 + (*s == '"' || *s == '\\');
	return n;
}

/* At most what profile_write() makes of it. */
static size_t text_bytes(const struct lookup_dir *d)
{
	size_t n = strlen("\t\t[, 1000000],\n") + string_bytes(d->path);
	uint32_t max_runs = 0;

	for (size_t i = 0; i < d->n; i++) {
		n += string_bytes(d->names[i].name);
		max_runs = MAX(max_runs, d->names[i].runs);
	}
	return n + MIN(d->n, max_runs) * strlen(", [1000000]");
}

struct sized_dir {
	size_t bytes, index;
};

static int compare_sizes(const void *pa, const void *pb)
{
	const struct sized_dir *a = pa, *b = pb;

	return a->bytes != b->bytes ? (a->bytes > b->bytes) - (a->bytes < b->bytes)
				    : (a->index > b->index) - (a->index < b->index);
}

int lookups_fit(struct lookups *l, size_t bytes, size_t *ret_names, size_t *ret_dirs)
{
	_cleanup_free_ struct sized_dir *dirs = calloc(MAX(l->n, 1u), sizeof(*dirs));
	size_t used = strlen("[\n\t]"), kept = 0;

	if (!dirs)
		return -ENOMEM;
	*ret_names = *ret_dirs = 0;
	for (size_t i = 0; i < l->n; i++)
		dirs[i] = (struct sized_dir){ text_bytes(&l->dirs[i]), i };
	qsort(dirs, l->n, sizeof(*dirs), compare_sizes);
	for (size_t i = 0; i < l->n; i++) {
		struct lookup_dir *d = &l->dirs[dirs[i].index];

		used += dirs[i].bytes;
		if (used <= bytes)
			continue;
		*ret_names += d->n;
		(*ret_dirs)++;
		dir_done(d);
		*d = (struct lookup_dir){ 0 };
	}
	for (size_t i = 0; i < l->n; i++)
		if (l->dirs[i].path)
			l->dirs[kept++] = l->dirs[i];
	l->n = kept;
	return 0;
}

/* ---- merging ---- */

/* A and B are equal as names, or one is NULL. */
static int merge_name(struct lookup_dir *d, const struct lookup_name *a,
		      const struct lookup_name *b)
{
	const char *name = (a ? a : b)->name;

	return lookup_dir_add(d, name, strlen(name), (a ? a->runs : 0) + (b ? b->runs : 0));
}

static int merge_names(struct lookup_dir *d, const struct lookup_dir *a,
		       const struct lookup_dir *b)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < a->n || j < b->n)) {
		int c = i == a->n   ? 1
			: j == b->n ? -1
				    : compare_names(&a->names[i], &b->names[j]);

		r = merge_name(d, c <= 0 ? &a->names[i] : NULL,
			       c >= 0 ? &b->names[j] : NULL);
		i += c <= 0;
		j += c >= 0;
	}
	return r;
}

/* A and B have equal paths, or one is NULL. */
static int merge_dir(struct lookups *l, const struct lookup_dir *a,
		     const struct lookup_dir *b)
{
	static const struct lookup_dir none = { 0 };
	const char *path = (a ? a : b)->path;
	struct lookup_dir *d;

	a = a ? a : &none;
	b = b ? b : &none;
	d = lookups_add_dir(l, path, strlen(path), a->listed + b->listed);
	return d ? merge_names(d, a, b) : -ENOMEM;
}

int lookups_merge(const struct lookups *a, const struct lookups *b, struct lookups *ret)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < a->n || j < b->n)) {
		int c = i == a->n   ? 1
			: j == b->n ? -1
				    : strcmp(a->dirs[i].path, b->dirs[j].path);

		r = merge_dir(ret, c <= 0 ? &a->dirs[i] : NULL,
			      c >= 0 ? &b->dirs[j] : NULL);
		i += c <= 0;
		j += c >= 0;
	}
	return r;
}

/* ---- what can stand in a profile ---- */

const char *lookup_name_problem(const char *name)
{
	if (strchr(name, '/'))
		return "has a slash";
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "is '.' or '..'";
	if (!*name || strlen(name) > LIMIT_FILE_NAME_BYTES)
		return "is empty or longer than NAME_MAX";
	return utf8_is_plain(name) ? NULL : "has a control character or is not UTF-8";
}

const char *lookup_path_problem(const char *path)
{
	return strcmp(path, "/") == 0 ? NULL : profile_path_problem(path);
}
