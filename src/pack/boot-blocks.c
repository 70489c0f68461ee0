/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blockdev.h"
#include "boot-blocks.h"
#include "bounds.h"
#include "ext4.h"
#include "fstypes.h"
#include "mounts.h"
#include "shadow-read.h"
#include "shadow-write.h"
#include "vec.h"

#define PAGE_SECTORS (PAGE_BYTES / 512)

struct pages {
	uint64_t first, end;
};

/* What is written: one file system after the other. */
struct lists {
	const struct shadow *before; /* NULL: nothing was noted */
	struct mounts *mounts;
	int sysfd;
	struct object_desc *objects;
	struct extent_desc *extents;
	struct pages *pages; /* of the file system at hand */
	size_t n_objects, n_extents, n_pages, all_pages;
	size_t objects_capacity, extents_capacity, pages_capacity;
};

static void lists_done(struct lists *l)
{
	for (size_t i = 0; i < l->n_objects; i++)
		free((char *)(uintptr_t)l->objects[i].path);
	free(l->objects);
	free(l->extents);
	free(l->pages);
	mounts_free(l->mounts);
	if (l->sysfd >= 0)
		close(l->sysfd);
}

static int add_pages(struct lists *l, uint64_t first, uint64_t end)
{
	if (VEC_RESERVE_ONE(l->pages, l->n_pages, l->pages_capacity) < 0)
		return -ENOMEM;
	l->pages[l->n_pages++] = (struct pages){ first, end };
	return 0;
}

static int add_before(struct lists *l, const uint8_t *uuid)
{
	const struct shadow *s = l->before;
	int r = 0;

	for (uint32_t i = 0; s && i < s->n_objects; i++) {
		if (memcmp(s->objects[i].buildid, uuid, SHADOW_UUID_BYTES) != 0)
			continue;
		for (uint32_t k = le32_get(s->objects[i].first_extent);
		     r == 0 && k != SHADOW_NONE; k = le32_get(s->extents[k].next)) {
			uint64_t first = le32_get(s->extents[k].first_pgno);

			r = add_pages(l, first, first + le32_get(s->extents[k].n_pages));
		}
	}
	return r;
}

static int compare_pages(const void *pa, const void *pb)
{
	const struct pages *a = pa, *b = pb;

	return (a->first > b->first) - (a->first < b->first);
}

static int add_extent(struct lists *l, uint32_t object, const struct pages *p)
{
	if (l->all_pages + (p->end - p->first) > BOOT_BLOCKS_PAGES)
		return 0;
	l->all_pages += p->end - p->first;
	if (VEC_RESERVE_ONE(l->extents, l->n_extents, l->extents_capacity) < 0)
		return -ENOMEM;
	l->extents[l->n_extents++] = (struct extent_desc){
		.object = object,
		.first_pgno = (uint32_t)p->first,
		.n_pages = (uint32_t)(p->end - p->first),
	};
	return 0;
}

/* The pages at hand, each once, as the extents of OBJECT. */
static int add_extents(struct lists *l, uint32_t object)
{
	int r = 0;

	qsort(l->pages, l->n_pages, sizeof(*l->pages), compare_pages);
	for (size_t i = 0, next; r == 0 && i < l->n_pages; i = next) {
		struct pages p = l->pages[i];

		for (next = i + 1; next < l->n_pages && l->pages[next].first <= p.end;
		     next++)
			p.end = MAX(p.end, l->pages[next].end);
		r = add_extent(l, object, &p);
	}
	return r;
}

static int add_object(struct lists *l, const char *point, const struct ext4 *fs,
		      enum storage_class storage)
{
	struct object_desc o = {
		.buildid = { .n_bytes = SHADOW_UUID_BYTES },
		.wanted_bytes = fs->size_bytes,
		.state = OBJECT_VALID,
		.storage = storage,
		.identity = { .size_bytes = fs->size_bytes },
	};

	memcpy(o.buildid.bytes, fs->uuid, SHADOW_UUID_BYTES);
	if (VEC_RESERVE_ONE(l->objects, l->n_objects, l->objects_capacity) < 0)
		return -ENOMEM;
	o.path = strdup(point);
	if (!o.path)
		return -ENOMEM;
	l->objects[l->n_objects++] = o;
	return add_extents(l, (uint32_t)l->n_objects - 1);
}

/* Those of the N reads from DEV that lie inside its file system FS, which begins at sector START. */
static int collect(struct lists *l, const struct boot_blocks *blocks, size_t n, dev_t dev,
		   uint64_t start, const struct ext4 *fs)
{
	uint64_t n_pages = MIN(fs->size_bytes, LIMIT_FILE_BYTES) / PAGE_BYTES;
	int r = 0;

	l->n_pages = 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		uint64_t first, end;

		if (blocks[i].dev != dev || blocks[i].first_sector < start ||
		    blocks[i].n_sectors > UINT32_MAX)
			continue;
		first = (blocks[i].first_sector - start) / PAGE_SECTORS;
		end = DIV_ROUND_UP(blocks[i].first_sector - start + blocks[i].n_sectors,
				   PAGE_SECTORS);
		if (first < end && end <= n_pages)
			r = add_pages(l, first, end);
	}
	return r == 0 ? add_before(l, fs->uuid) : r;
}

/* What cannot be read is left out. */
static int add_mount(struct lists *l, const struct boot_blocks *blocks, size_t n,
		     const struct mount_line *m)
{
	_cleanup_close_ int fd = -1;
	struct ext4 fs;
	uint64_t start;
	int r;

	if (blockdev_start(l->sysfd, m->dev, &start) < 0)
		return 0;
	fd = blockdev_open(l->sysfd, m->dev);
	if (fd < 0 || ext4_open(fd, &fs) < 0)
		return 0;
	r = collect(l, blocks, n, m->dev, start, &fs);
	return r < 0 || l->n_pages == 0
		       ? r
		       : add_object(l, m->point, &fs, blockdev_storage(l->sysfd, m->dev));
}

static int compare_mounts(const void *pa, const void *pb)
{
	return strcmp(((const struct mount_line *)pa)->point,
		      ((const struct mount_line *)pb)->point);
}

/* Each file system where it is mounted first; of two at one place, one is hidden. */
static bool is_known(const struct mount_line *mounts, size_t n, const struct mount_line *m)
{
	for (size_t i = 0; i < n; i++)
		if (mounts[i].dev == m->dev || compare_mounts(&mounts[i], m) == 0)
			return true;
	return false;
}

/* In the order of paths, as a container has its objects. */
static int fill(struct lists *l, const struct boot_blocks *blocks, size_t n)
{
	_cleanup_free_ struct mount_line *mounts = NULL;
	size_t n_mounts = 0, capacity = 0;
	struct mount_line m;
	int r = mounts_load(&l->mounts);

	for (size_t i = 0; r == 0 && mounts_get(l->mounts, i, &m); i++) {
		if (!fstype_find(m.fstype)->ext4_metadata || is_known(mounts, n_mounts, &m))
			continue;
		if (VEC_RESERVE_ONE(mounts, n_mounts, capacity) < 0)
			return -ENOMEM;
		mounts[n_mounts++] = m;
	}
	if (n_mounts > 0)
		qsort(mounts, n_mounts, sizeof(*mounts), compare_mounts);
	for (size_t i = 0; r == 0 && i < n_mounts; i++)
		r = add_mount(l, blocks, n, &mounts[i]);
	return r;
}

static int write_lists(const struct store *s, const struct lists *l)
{
	const struct shadow_desc desc = {
		.kind = SHADOW_KIND_PLACES,
		.objects = l->objects,
		.n_objects = (uint32_t)l->n_objects,
		.extents = l->extents,
		.n_extents = (uint32_t)l->n_extents,
		.n_eager = (uint32_t)l->n_extents,
	};
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	bool changed;
	int r;

	if (l->n_extents == 0)
		return store_remove(s, STORE_BLOCKS, NULL, &changed);
	r = shadow_write(&desc, &data, &bytes);
	return r < 0 ? r : store_put(s, STORE_BLOCKS, NULL, data, bytes, &changed);
}

int boot_blocks_add(const struct store *s, const struct boot_blocks *blocks, size_t n)
{
	_cleanup_(lists_done) struct lists l = { .sysfd = blockdev_open_sys() };
	_cleanup_(shadow_buffer_done) struct shadow_buffer before = { 0 };
	int r;

	if (store_load(s, STORE_BLOCKS, NULL, &before) == 0)
		l.before = &before.shadow;
	r = fill(&l, blocks, n);
	return r < 0 ? r : write_lists(s, &l);
}
