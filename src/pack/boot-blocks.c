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
	const struct shadow *before; /* NULL: nothing is kept */
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

/* Where DEV is mounted first, with a file system that keeps its own blocks as ext4 does. */
static const char *find_mount(const struct lists *l, dev_t dev)
{
	struct mount_line line;

	for (size_t i = 0; mounts_get(l->mounts, i, &line); i++)
		if (line.dev == dev && fstype_find(line.fstype)->ext4_metadata)
			return line.point;
	return NULL;
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
	int r;

	memcpy(o.buildid.bytes, fs->uuid, SHADOW_UUID_BYTES);
	if (VEC_RESERVE_ONE(l->objects, l->n_objects, l->objects_capacity) < 0)
		return -ENOMEM;
	o.path = strdup(point);
	if (!o.path)
		return -ENOMEM;
	l->objects[l->n_objects++] = o;
	r = add_extents(l, (uint32_t)l->n_objects - 1);
	return r;
}

/* Those of the N reads that lie inside the file system FS, which begins at sector START. */
static int collect(struct lists *l, const struct boot_blocks *blocks, size_t n,
		   uint64_t start, const struct ext4 *fs)
{
	uint64_t n_pages = MIN(fs->size_bytes, LIMIT_FILE_BYTES) / PAGE_BYTES;
	int r = 0;

	l->n_pages = 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		uint64_t first, end;

		if (blocks[i].first_sector < start || blocks[i].n_sectors > UINT32_MAX)
			continue;
		first = (blocks[i].first_sector - start) / PAGE_SECTORS;
		end = DIV_ROUND_UP(blocks[i].first_sector - start + blocks[i].n_sectors,
				   PAGE_SECTORS);
		if (first < end && end <= n_pages)
			r = add_pages(l, first, end);
	}
	return r == 0 ? add_before(l, fs->uuid) : r;
}

/* The reads of one device, which is mounted at POINT. */
struct device {
	const char *point;
	const struct boot_blocks *blocks;
	size_t n;
};

static int compare_devices(const void *a, const void *b)
{
	return strcmp(((const struct device *)a)->point, ((const struct device *)b)->point);
}

/* What cannot be read is left out. */
static int add_device(struct lists *l, const struct device *d)
{
	dev_t dev = d->blocks[0].dev;
	_cleanup_close_ int fd = -1;
	struct ext4 fs;
	uint64_t start;
	int r;

	if (blockdev_start(l->sysfd, dev, &start) < 0)
		return 0;
	fd = blockdev_open(l->sysfd, dev);
	if (fd < 0 || ext4_open(fd, &fs) < 0)
		return 0;
	r = collect(l, d->blocks, d->n, start, &fs);
	return r < 0 || l->n_pages == 0
		       ? r
		       : add_object(l, d->point, &fs, blockdev_storage(l->sysfd, dev));
}

static int compare_blocks(const void *pa, const void *pb)
{
	const struct boot_blocks *a = pa, *b = pb;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return (a->first_sector > b->first_sector) - (a->first_sector < b->first_sector);
}

/* In the order of paths, as a container has its objects. */
static int fill(struct lists *l, struct boot_blocks *blocks, size_t n)
{
	_cleanup_free_ struct device *devices = calloc(n + 1, sizeof(*devices));
	size_t n_devices = 0;
	int r = devices ? mounts_load(&l->mounts) : -ENOMEM;

	if (r < 0)
		return r;
	if (n > 0)
		qsort(blocks, n, sizeof(*blocks), compare_blocks);
	for (size_t i = 0, next; i < n; i = next) {
		const char *point = find_mount(l, blocks[i].dev);

		for (next = i + 1; next < n && blocks[next].dev == blocks[i].dev; next++)
			;
		if (point)
			devices[n_devices++] =
				(struct device){ point, blocks + i, next - i };
	}
	if (n_devices > 0)
		qsort(devices, n_devices, sizeof(*devices), compare_devices);
	for (size_t i = 0; r == 0 && i < n_devices; i++)
		if (i == 0 || compare_devices(&devices[i - 1], &devices[i]) != 0)
			r = add_device(
				l, &devices[i]); /* of two at one place, one is hidden */
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

int boot_blocks_put(const struct store *s, struct boot_blocks *blocks, size_t n, bool keep)
{
	_cleanup_(lists_done) struct lists l = { .sysfd = blockdev_open_sys() };
	_cleanup_(shadow_buffer_done) struct shadow_buffer before = { 0 };
	int r;

	if (keep && store_load(s, STORE_BLOCKS, NULL, &before) == 0)
		l.before = &before.shadow;
	r = fill(&l, blocks, n);
	return r < 0 ? r : write_lists(s, &l);
}
