/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "bounds.h"
#include "cold-files.h"
#include "object-open.h"
#include "residency.h"
#include "vec.h"

static int open_file(const struct cold_files *c, const struct cold_file *f, int *ret_fd,
		     struct stat *ret_st, enum object_skip *ret_skip)
{
	const struct object_place place = {
		.rootfd = c->store->rootfd,
		.root_path = c->store->root_path,
		.mounts = c->mounts,
	};

	return object_open(&place, f->path, ret_fd, ret_st, ret_skip);
}

/* The same rule as the kernel's, mm/mincore.c can_do_mincore(). */
static bool is_visible(int fd, const struct stat *st)
{
	return geteuid() == 0 || st->st_uid == geteuid() ||
	       faccessat(fd, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

static int add_device(struct cold_files *c, const char *path, const struct stat *st)
{
	dev_t dev = st->st_dev;

	if (major(dev) == 0 && mounts_device(c->mounts, path, &dev) < 0) {
		c->n_deviceless++;
		return 0;
	}
	for (size_t i = 0; i < c->n_devices; i++)
		if (c->devices[i] == dev)
			return 0;
	if (VEC_RESERVE_ONE(c->devices, c->n_devices, c->devices_capacity) < 0)
		return -ENOMEM;
	c->devices[c->n_devices++] = dev;
	return 0;
}

/* Its first shadow decides whether it is of use, as all were compiled at once. */
static int look_at(struct cold_files *c, struct cold_file *f)
{
	_cleanup_close_ int fd = -1;
	enum object_skip skip;
	struct stat st;
	int r;

	r = open_file(c, f, &fd, &st, &skip);
	if (r < 0)
		return r;
	if (skip == OBJECT_USED) {
		f->is_open = true;
		f->identity = identity_from_stat(&st);
		f->is_visible = is_visible(fd, &st);
		skip = object_check(f->object, &st, fd);
	}
	if (!shadow_object_is_usable(f->object))
		return 0;
	if (skip != OBJECT_USED) {
		c->n_changed++;
		return 0;
	}
	c->n_used++;
	c->n_invisible += !f->is_visible;
	f->n_pages = (uint32_t)MIN(DIV_ROUND_UP((uint64_t)st.st_size, PAGE_BYTES),
				   (uint64_t)UINT32_MAX);
	f->wanted = calloc(f->n_pages, 1);
	return f->wanted ? add_device(c, f->path, &st) : -ENOMEM;
}

/* Of the first N files; SIZE_MAX: none. */
static size_t find(const struct cold_files *c, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(c->items[i].path, path) == 0)
			return i;
	return SIZE_MAX;
}

static int add_file(struct cold_files *c, const char *path, const struct shadow_object *o)
{
	int r = VEC_RESERVE_ONE(c->items, c->n, c->capacity);

	if (r < 0)
		return r;
	c->items[c->n] = (struct cold_file){ .path = path, .object = o };
	return look_at(c, &c->items[c->n++]);
}

static void add_extent(struct cold_files *c, struct cold_file *f,
		       const struct shadow_extent *e)
{
	uint32_t first = le32_get(e->first_pgno);
	uint32_t end = MIN(first + le32_get(e->n_pages), f->n_pages);

	for (uint32_t i = first; f->wanted && i < end; i++) {
		f->n_wanted += !f->wanted[i];
		c->n_wanted += !f->wanted[i];
		f->wanted[i] = 1;
	}
}

/* Within a shadow no path comes twice; scenarios of a program share most. */
static int add_shadow(struct cold_files *c, const struct shadow *s)
{
	size_t n_before = c->n;

	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct shadow_object *o = &s->objects[i];
		const char *path = shadow_string(s, o->path);
		uint32_t next = le32_get(o->first_extent);
		size_t found = find(c, n_before, path);

		if (found == SIZE_MAX) {
			int r = add_file(c, path, o);

			if (r < 0)
				return r;
			found = c->n - 1;
		}
		for (; next != SHADOW_NONE; next = le32_get(s->extents[next].next))
			add_extent(c, &c->items[found], &s->extents[next]);
	}
	return 0;
}

int cold_files_open(const struct launch_shadows *list, const struct store *store,
		    const struct mounts *mounts, struct cold_files *ret)
{
	int r = 0;

	*ret = (struct cold_files){ .store = store, .mounts = mounts };
	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = add_shadow(ret, &list->items[i].shadow);
	if (r < 0)
		cold_files_done(ret);
	return r;
}

void cold_files_done(struct cold_files *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->items[i].wanted);
	free(c->items);
	free(c->devices);
	*c = (struct cold_files){ 0 };
}

/* ---- in and out of the cache ---- */

/* Also whether it is still the same file. */
static int reopen(const struct cold_files *c, const struct cold_file *f, int *ret_fd)
{
	struct identity now;
	enum object_skip skip;
	struct stat st;
	int r;

	r = open_file(c, f, ret_fd, &st, &skip);
	if (r < 0)
		return r;
	if (skip != OBJECT_USED)
		return -ESTALE;
	now = identity_from_stat(&st);
	return identity_equal(&now, &f->identity) ? 0 : -ESTALE;
}

static int settle_file(struct cold_files *c, struct cold_file *f)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (!f->wanted)
		return 0;
	r = reopen(c, f, &fd);
	return r < 0 ? r : residency_settle(fd, f->wanted, f->n_pages);
}

static int evict_file(struct cold_files *c, struct cold_file *f)
{
	_cleanup_close_ int fd = -1;
	int r = reopen(c, f, &fd);

	return r < 0 ? r : residency_evict(fd);
}

/* What is left of one file; the pages of files that nobody shows us are not counted. */
static int count_kept(struct cold_files *c, struct cold_file *f)
{
	_cleanup_free_ uint8_t *resident = NULL;
	_cleanup_close_ int fd = -1;
	uint32_t n;
	int r;

	f->n_left = 0;
	if (!f->wanted || !f->is_visible)
		return 0;
	r = reopen(c, f, &fd);
	if (r == 0)
		r = residency_read(fd, &resident, &n);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < MIN(n, f->n_pages); i++)
		f->n_left += resident[i] && f->wanted[i];
	return 0;
}

static int for_all_open(struct cold_files *c, const char **ret_path,
			int (*act)(struct cold_files *, struct cold_file *))
{
	for (size_t i = 0; i < c->n; i++) {
		int r = c->items[i].is_open ? act(c, &c->items[i]) : 0;

		if (r < 0) {
			*ret_path = c->items[i].path;
			return r;
		}
	}
	return 0;
}

int cold_files_settle(struct cold_files *c, const char **ret_path)
{
	return for_all_open(c, ret_path, settle_file);
}

static void keep_worst(struct cold_files *c)
{
	struct cold_left left = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		if (!c->items[i].is_visible)
			continue;
		left.n_visible += c->items[i].n_wanted;
		left.n_kept += c->items[i].n_left;
	}
	c->last = left;
	if (left.n_kept < c->worst.n_kept)
		return;
	c->worst = left;
	for (size_t i = 0; i < c->n; i++)
		c->items[i].n_kept = c->items[i].n_left;
}

int cold_files_evict(struct cold_files *c, const char **ret_path)
{
	int r = for_all_open(c, ret_path, evict_file);

	/* What was on its way here the first time has come by now. */
	if (r == 0)
		r = for_all_open(c, ret_path, evict_file);
	if (r == 0)
		r = for_all_open(c, ret_path, count_kept);
	if (r == 0)
		keep_worst(c);
	return r;
}

int cold_files_count_reads(const struct cold_files *c, struct blockdev_reads *ret)
{
	_cleanup_close_ int sysfd = blockdev_open_sys();
	struct blockdev_reads sum = { 0 };
	size_t n = 0;

	for (size_t i = 0; sysfd >= 0 && i < c->n_devices; i++) {
		struct blockdev_reads one;

		if (blockdev_count_reads(sysfd, c->devices[i], &one) < 0)
			continue;
		sum.n_requests += one.n_requests;
		sum.n_bytes += one.n_bytes;
		n++;
	}
	if (n == 0)
		return -ENOENT;
	*ret = sum;
	return 0;
}
