/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "bounds.h"
#include "fstypes.h"
#include "store.h"
#include "traced-files.h"
#include "utf8.h"
#include "vec.h"

/* 256 GiB: one byte per page is kept. Larger files are disk images, not parts of programs. */
#define MAX_FILE_PAGES (1u << 26)

/*
 * A name by which the kernel showed a file: (device, inode) of a descriptor, or those of a
 * mapping with the hash of its path. Mappings need the path: on btrfs their device is the
 * same for all subvolumes, whose inode numbers overlap.
 */
struct traced_alias {
	dev_t dev;
	ino_t ino;
	uint64_t path_hash;	  /* 0: a descriptor; CACHE_KEY: see _by_cache() */
	struct traced_file *file; /* NULL: empty slot */
};

#define CACHE_KEY 1

static const char *const left_out_dirs[] = {
	"/tmp/", "/var/tmp/", "/dev/", "/proc/", "/sys/", "/run/", "/var/run/",
};

int traced_files_init(struct traced_files *f)
{
	*f = (struct traced_files){ 0 };
	clock_gettime(CLOCK_REALTIME_COARSE, &f->start);
	return mounts_load(&f->mounts);
}

static void file_free(struct traced_file *file)
{
	free(file->object.path);
	free(file->object.when);
	free(file);
}

void traced_files_done(struct traced_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		file_free(f->items[i]);
	free(f->items);
	free(f->aliases);
	mounts_free(f->mounts);
	*f = (struct traced_files){ 0 };
}

static uint64_t hash_path(const char *path)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * 0x100000001b3u;
	return MAX(h, CACHE_KEY + 1u);
}

static size_t alias_slot(const struct traced_alias *slots, size_t n_slots,
			 const struct traced_alias *key)
{
	uint64_t h = ((uint64_t)key->ino * 0x9e3779b97f4a7c15u) ^ key->dev ^ key->path_hash;
	size_t i = (size_t)(h ^ h >> 32) & (n_slots - 1);

	while (slots[i].file && (slots[i].ino != key->ino || slots[i].dev != key->dev ||
				 slots[i].path_hash != key->path_hash))
		i = (i + 1) & (n_slots - 1);
	return i;
}

static struct traced_file *alias_find(const struct traced_files *f,
				      const struct traced_alias *key)
{
	return f->n_slots ? f->aliases[alias_slot(f->aliases, f->n_slots, key)].file : NULL;
}

static int alias_grow(struct traced_files *f)
{
	size_t n_slots = f->n_slots ? f->n_slots * 2 : 256;
	struct traced_alias *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_slots; i++)
		if (f->aliases[i].file)
			slots[alias_slot(slots, n_slots, &f->aliases[i])] = f->aliases[i];
	free(f->aliases);
	f->aliases = slots;
	f->n_slots = n_slots;
	return 0;
}

static int alias_add(struct traced_files *f, struct traced_alias alias)
{
	if (f->n_aliases * 2 >= f->n_slots && alias_grow(f) < 0)
		return -ENOMEM;
	f->aliases[alias_slot(f->aliases, f->n_slots, &alias)] = alias;
	f->n_aliases++;
	return 0;
}

/* Lexical: touches no file. */
bool traced_files_path_counts(const struct traced_files *f, const char *path)
{
	if (path[0] != '/' || strlen(path) > LIMIT_PATH_BYTES || !utf8_is_plain(path))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(left_out_dirs); i++)
		if (strncmp(path, left_out_dirs[i], strlen(left_out_dirs[i])) == 0)
			return false;
	if (store_is_state(path))
		return false;
	if (f->system_wide && !mounts_is_local(f->mounts, path))
		return false;
	return fstype_find(mounts_fstype(f->mounts, path))->on_disk;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* New file, known by no alias yet. ST NULL: one that does not count. */
static struct traced_file *file_add(struct traced_files *f, const char *path,
				    const struct stat *st)
{
	struct traced_file *file = calloc(1, sizeof(*file));
	struct trace_object *o;

	if (!file || VEC_RESERVE_ONE(f->items, f->n, f->capacity) < 0) {
		free(file);
		return NULL;
	}
	f->items[f->n++] = file;
	o = &file->object;
	if (!st || !S_ISREG(st->st_mode) || st->st_size <= 0 ||
	    (uint64_t)st->st_size > (uint64_t)MAX_FILE_PAGES * PAGE_BYTES)
		return file;
	o->path = strdup(path);
	o->dev = st->st_dev;
	o->ino = st->st_ino;
	o->size_bytes = (uint64_t)st->st_size;
	o->n_pages = (uint32_t)DIV_ROUND_UP(o->size_bytes, PAGE_BYTES);
	if (o->path)
		o->when = calloc(o->n_pages, 1);
	return file;
}

static struct traced_file *if_counts(struct traced_file *file)
{
	return file && file->object.when ? file : NULL;
}

static bool leads_to(const char *path, const struct stat *file)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == file->st_dev &&
	       st.st_ino == file->st_ino;
}

struct traced_file *traced_files_by_fd(struct traced_files *f, pid_t pid, int fd)
{
	char proc[64], path[LIMIT_PATH_BYTES + 1];
	struct traced_alias alias = { 0 };
	struct stat st = { 0 };
	struct statx stx;
	bool counts;
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/%d/fd/%d", pid, fd);
	/* DONT_SYNC: the file may be on FUSE and its server stopped by us. */
	if (statx(AT_FDCWD, proc, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &stx) < 0 ||
	    !S_ISREG(stx.stx_mode) || stx.stx_size == 0)
		return NULL;
	alias.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	alias.ino = stx.stx_ino;
	alias.file = alias_find(f, &alias);
	if (alias.file)
		return if_counts(alias.file);
	n = readlink(proc, path, sizeof(path) - 1);
	path[MAX(n, 0)] = 0;
	st.st_mode = stx.stx_mode;
	st.st_size = (off_t)stx.stx_size;
	st.st_dev = alias.dev;
	st.st_ino = alias.ino;
	counts = stx.stx_nlink && traced_files_path_counts(f, path);
	/* Another open of the file may be by a better path. */
	if (f->system_wide && !(counts && leads_to(path, &st)))
		return NULL;
	alias.file = file_add(f, path, counts ? &st : NULL);
	if (alias.file && alias_add(f, alias) < 0)
		return NULL;
	return if_counts(alias.file);
}

/* The file at PATH, when it is the one that a mapping shows with inode number INO. */
static struct traced_file *resolve_mapping(struct traced_files *f, ino_t ino,
					   const char *path)
{
	struct traced_alias alias = { 0 };
	struct stat st;

	if (!traced_files_path_counts(f, path) || stat(path, &st) < 0)
		return file_add(f, path, NULL);
	/* Before Linux 6.8 a mapping on overlayfs has the inode number of a lower layer. */
	if (st.st_ino != ino && !fstype_find(mounts_fstype(f->mounts, path))->layered)
		return file_add(f, path, NULL);
	alias.dev = st.st_dev;
	alias.ino = st.st_ino;
	alias.file = alias_find(f, &alias);
	if (alias.file)
		return alias.file;
	alias.file = file_add(f, path, &st);
	return alias.file && alias_add(f, alias) < 0 ? NULL : alias.file;
}

struct traced_file *traced_files_by_mapping(struct traced_files *f, dev_t dev, ino_t ino,
					    const char *path)
{
	struct traced_alias alias = { .dev = dev,
				      .ino = ino,
				      .path_hash = hash_path(path) };

	alias.file = alias_find(f, &alias);
	if (alias.file)
		return if_counts(alias.file);
	alias.file = resolve_mapping(f, ino, path);
	if (alias.file && alias_add(f, alias) < 0)
		return NULL;
	return if_counts(alias.file);
}

static struct traced_alias cache_key(dev_t dev, ino_t ino, struct traced_file *file)
{
	return (struct traced_alias){
		.dev = dev, .ino = ino, .path_hash = CACHE_KEY, .file = file
	};
}

struct traced_file *traced_files_by_cache(const struct traced_files *f, dev_t dev,
					  ino_t ino)
{
	struct traced_alias key = cache_key(dev, ino, NULL);

	return if_counts(alias_find(f, &key));
}

int traced_files_add_cache(struct traced_files *f, dev_t dev, ino_t ino,
			   struct traced_file *file, bool *ret_clash)
{
	struct traced_alias key = cache_key(dev, ino, file);
	struct traced_file *known = alias_find(f, &key);

	*ret_clash = known && known != file;
	if (!known)
		return alias_add(f, key);
	if (!*ret_clash || !if_counts(known))
		return 0;
	file = file_add(f, "", NULL);
	if (!file)
		return -ENOMEM;
	f->aliases[alias_slot(f->aliases, f->n_slots, &key)].file = file;
	return 0;
}

int traced_files_load_mounts(struct traced_files *f)
{
	struct mounts *m;
	int r = mounts_load(&m);

	if (r < 0)
		return r;
	mounts_free(f->mounts);
	f->mounts = m;
	return 0;
}

void traced_file_mark(struct traced_file *file, uint64_t first_pgno, uint64_t n_pages,
		      uint32_t when)
{
	struct trace_object *o = &file->object;
	uint8_t mark = (uint8_t)(MIN(when, LIMIT_WHEN) + 1);

	if (first_pgno >= o->n_pages)
		return;
	n_pages = MIN(n_pages, o->n_pages - first_pgno);
	for (uint64_t i = first_pgno; i < first_pgno + n_pages; i++) {
		file->n_used += !o->when[i];
		if (!o->when[i] || o->when[i] > mark)
			o->when[i] = mark;
	}
}

bool traced_file_lacks_bytes(const struct traced_file *file, uint64_t off, uint64_t bytes)
{
	const struct trace_object *o = &file->object;
	uint64_t end;

	if (traced_file_is_full(file) || off >= o->size_bytes || bytes == 0)
		return false;
	end = DIV_ROUND_UP(off + MIN(bytes, o->size_bytes - off), PAGE_BYTES);
	return memchr(o->when + (off >> PAGE_SHIFT), 0, end - (off >> PAGE_SHIFT));
}

void traced_file_mark_bytes(struct traced_file *file, uint64_t off, uint64_t bytes,
			    uint32_t when)
{
	uint64_t size = file->object.size_bytes, first = off >> PAGE_SHIFT;

	if (off >= size || bytes == 0)
		return;
	bytes = MIN(bytes, size - off);
	traced_file_mark(file, first, ((off + bytes - 1) >> PAGE_SHIFT) - first + 1, when);
}

/* Whether the path still leads to the file, untouched since before the launch. */
static bool is_unchanged(const struct traced_files *f, const struct trace_object *o)
{
	struct stat st;

	return stat(o->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == o->dev &&
	       st.st_ino == o->ino && (uint64_t)st.st_size == o->size_bytes &&
	       is_before(&st.st_mtim, &f->start) && is_before(&st.st_ctim, &f->start);
}

static int compare_objects(const void *a, const void *b)
{
	return strcmp(((const struct trace_object *)a)->path,
		      ((const struct trace_object *)b)->path);
}

int traced_files_finish(struct traced_files *f, struct trace_result *ret)
{
	for (size_t i = 0; i < f->n; i++) {
		struct traced_file *file = f->items[i];
		struct trace_object *o = &file->object;

		if (!file->n_used || !is_unchanged(f, o))
			continue;
		if (VEC_RESERVE_ONE(ret->objects, ret->n_objects, ret->objects_capacity) <
		    0)
			return -ENOMEM;
		ret->objects[ret->n_objects++] = *o;
		o->path = NULL;
		o->when = NULL;
		file->n_used = 0;
	}
	if (ret->n_objects)
		qsort(ret->objects, ret->n_objects, sizeof(ret->objects[0]),
		      compare_objects);
	return 0;
}
