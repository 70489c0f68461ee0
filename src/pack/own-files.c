/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "own-files.h"
#include "shadow-read.h"
#include "shadow-write.h"
#include "vec.h"

/* Untouched pages that are read along: a request costs more than these. */
#define GAP_PAGES 4

static struct own_file *find(const struct own_files *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->items[i].path, path) == 0)
			return &l->items[i];
	return NULL;
}

static void file_done(struct own_file *f)
{
	free(f->path);
	free(f->when);
}

void own_files_done(struct own_files *l)
{
	for (size_t i = 0; i < l->n; i++)
		file_done(&l->items[i]);
	free(l->items);
	*l = (struct own_files){ 0 };
}

/* How many pages up to the last touched one. */
static uint32_t used_pages(const struct own_file *f)
{
	uint32_t n = f->n_pages;

	while (n > 0 && !f->when[n - 1])
		n--;
	return n;
}

static uint8_t earlier(uint8_t a, uint8_t b)
{
	return a && b ? MIN(a, b) : MAX(a, b);
}

static int merge(struct own_file *to, const struct own_file *f, uint32_t n_pages)
{
	if (n_pages > to->n_pages) {
		uint8_t *when = realloc(to->when, n_pages);

		if (!when)
			return -ENOMEM;
		memset(when + to->n_pages, 0, n_pages - to->n_pages);
		to->when = when;
		to->n_pages = n_pages;
	}
	for (uint32_t i = 0; i < n_pages; i++)
		to->when[i] = earlier(to->when[i], f->when[i]);
	to->size_bytes = MAX(to->size_bytes, f->size_bytes);
	to->storage = f->storage;
	return 0;
}

static int copy(const struct own_file *f, uint32_t n_pages, struct own_file *ret)
{
	struct own_file c = *f;

	c.n_pages = n_pages;
	c.path = strdup(f->path);
	c.when = malloc(n_pages);
	if (!c.path || !c.when) {
		file_done(&c);
		return -ENOMEM;
	}
	memcpy(c.when, f->when, n_pages);
	*ret = c;
	return 0;
}

int own_files_add(struct own_files *l, const struct own_file *file)
{
	struct own_file *known = find(l, file->path), added;
	uint32_t n_pages = used_pages(file);

	if (n_pages == 0 || n_pages > OWN_LAST_PAGE)
		return 0;
	if (known && known->ino == file->ino)
		return merge(known, file, n_pages);
	if (!known && l->n == OWN_FILES)
		return 0;
	if (copy(file, n_pages, &added) < 0)
		return -ENOMEM;
	if (known) {
		file_done(known);
		*known = added;
		return 0;
	}
	if (VEC_RESERVE_ONE(l->items, l->n, l->capacity) < 0) {
		file_done(&added);
		return -ENOMEM;
	}
	l->items[l->n++] = added;
	return 0;
}

/* ---- from the container ---- */

static int add_loaded(struct own_files *l, const struct shadow *s,
		      const struct shadow_object *o)
{
	struct own_file f = {
		.path = (char *)(uintptr_t)shadow_string(s, o->path),
		.ino = le64_get(o->ino),
		.size_bytes = le64_get(o->size_bytes),
		.storage = o->storage,
	};
	_cleanup_free_ uint8_t *when = NULL;
	uint32_t next;

	for (next = le32_get(o->first_extent); next != SHADOW_NONE;
	     next = le32_get(s->extents[next].next))
		f.n_pages = le32_get(s->extents[next].first_pgno) +
			    le32_get(s->extents[next].n_pages);
	if (f.n_pages > OWN_LAST_PAGE)
		return 0;
	f.when = when = calloc(f.n_pages + 1u, 1);
	if (!when)
		return -ENOMEM;
	for (next = le32_get(o->first_extent); next != SHADOW_NONE;
	     next = le32_get(s->extents[next].next))
		memset(when + le32_get(s->extents[next].first_pgno),
		       (int)le32_get(s->extents[next].when) + 1,
		       le32_get(s->extents[next].n_pages));
	return own_files_add(l, &f);
}

int own_files_load(const struct store *s, struct own_files *l)
{
	struct shadow_buffer b;
	int r = store_load(s, STORE_OWN, NULL, &b);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (uint32_t i = 0; r == 0 && i < b.shadow.n_objects; i++)
		r = add_loaded(l, &b.shadow, &b.shadow.objects[i]);
	shadow_buffer_done(&b);
	return r;
}

/* ---- to the container ---- */

struct lists {
	struct object_desc *objects;
	struct extent_desc *extents;
	size_t n_extents, extents_capacity, n_pages;
};

static void lists_done(struct lists *w)
{
	free(w->objects);
	free(w->extents);
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct own_file *)a)->path,
		      ((const struct own_file *)b)->path);
}

/* Of the run of touched pages that starts at FIRST, short gaps among them. */
static struct extent_desc run_at(const struct own_file *f, uint32_t object, uint32_t first)
{
	struct extent_desc e = { object, first, 0, f->when[first] };
	uint32_t end = first;

	for (uint32_t i = first; i < f->n_pages && i <= end + GAP_PAGES; i++)
		if (f->when[i]) {
			end = i + 1;
			e.when = MIN(e.when, (uint32_t)f->when[i]);
		}
	e.n_pages = end - first;
	e.when--;
	return e;
}

static int add_extents(struct lists *w, const struct own_file *f, uint32_t object)
{
	for (uint32_t i = 0; i < f->n_pages && w->n_pages < OWN_PAGES; i++) {
		struct extent_desc e;

		if (!f->when[i])
			continue;
		e = run_at(f, object, i);
		if (VEC_RESERVE_ONE(w->extents, w->n_extents, w->extents_capacity) < 0)
			return -ENOMEM;
		w->extents[w->n_extents++] = e;
		w->n_pages += e.n_pages;
		i += e.n_pages;
	}
	return 0;
}

static struct object_desc describe(const struct own_file *f)
{
	/* It may have grown since, or shrunk: the pages say how large it was when they were read. */
	uint64_t bytes = MAX(f->size_bytes, (uint64_t)f->n_pages * PAGE_BYTES);

	return (struct object_desc){
		.path = f->path,
		.wanted_bytes = bytes,
		.state = OBJECT_VALID,
		.storage = f->storage,
		.identity = { .ino = f->ino, .size_bytes = bytes },
	};
}

static int put(const struct store *s, const struct own_files *l, struct lists *w)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct shadow_desc desc = { .kind = SHADOW_KIND_OWN };
	size_t bytes;
	bool written;
	int r = 0;

	w->objects = calloc(l->n, sizeof(*w->objects));
	if (!w->objects)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < l->n; i++) {
		w->objects[i] = describe(&l->items[i]);
		r = add_extents(w, &l->items[i], (uint32_t)i);
	}
	if (r < 0)
		return r;
	qsort(w->extents, w->n_extents, sizeof(*w->extents), extent_desc_compare);
	desc.objects = w->objects;
	desc.extents = w->extents;
	desc.n_objects = (uint32_t)l->n;
	desc.n_extents = desc.n_eager = (uint32_t)w->n_extents;
	r = shadow_write(&desc, &data, &bytes);
	return r < 0 ? r : store_put(s, STORE_OWN, NULL, data, bytes, &written);
}

int own_files_put(const struct store *s, struct own_files *l)
{
	struct lists w = { 0 };
	bool removed;
	int r;

	if (l->n == 0)
		return store_remove(s, STORE_OWN, NULL, &removed);
	qsort(l->items, l->n, sizeof(*l->items), compare_files);
	r = put(s, l, &w);
	lists_done(&w);
	return r;
}
