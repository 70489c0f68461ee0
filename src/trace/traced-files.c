/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One hash table leads to a file from all that events know of it: the device and inode that
 * stat() tells, with the hash of a path (one inode may have many), the device and inode of a line
 * in /proc/PID/maps, and those of the page cache (CACHE_KEY), which for btrfs and overlayfs
 * are neither.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "bounds.h"
#include "clock.h"
#include "fstypes.h"
#include "hash.h"
#include "store.h"
#include "traced-files-private.h"
#include "utf8.h"
#include "vec.h"

#define CACHE_KEY 1

static const struct {
	const char *prefix;
	enum trace_left_out why;
} left_out_dirs[] = {
	{ "/tmp/", LEFT_OUT_TEMPORARY },     { "/var/tmp/", LEFT_OUT_TEMPORARY },
	{ "/dev/shm/", LEFT_OUT_MEMORY },    { "/dev/", LEFT_OUT_NEVER_A_FILE },
	{ "/proc/", LEFT_OUT_NEVER_A_FILE }, { "/sys/", LEFT_OUT_NEVER_A_FILE },
	{ "/run/", LEFT_OUT_TEMPORARY },     { "/var/run/", LEFT_OUT_TEMPORARY },
};

/*
 * The time that files get from now on, later than that of all that were changed before: within
 * one tick of the clock (1 to 10 ms) the two cannot be told apart.
 */
static struct timespec next_tick(void)
{
	struct timespec before, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &before);
	do {
		clock_sleep_ms(1);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec);
	return now;
}

int traced_files_init(struct traced_files *f)
{
	*f = (struct traced_files){ .mountinfo_fd = -1, .start = next_tick() };
	if (stat("/proc/self/ns/mnt", &f->ns) < 0)
		return -errno;
	/* First opened: what changes while the table is read is seen later. */
	f->mountinfo_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	return f->mountinfo_fd < 0 ? -errno : mounts_load(&f->mounts);
}

static void file_free(struct traced_file *file)
{
	free(file->object.path);
	free(file->object.when);
	free(file->interpreter);
	free(file);
}

void traced_files_done(struct traced_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		file_free(f->items[i]);
	free(f->items);
	free(f->aliases);
	mounts_free(f->mounts);
	closep(&f->mountinfo_fd);
	*f = (struct traced_files){ .mountinfo_fd = -1 };
}

static uint64_t hash_path(const char *path)
{
	return MAX(hash_string(path), CACHE_KEY + 1u);
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

struct traced_file *traced_alias_find(const struct traced_files *f,
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

int traced_alias_add(struct traced_files *f, struct traced_alias alias)
{
	if (f->n_aliases * 2 >= f->n_slots && alias_grow(f) < 0)
		return -ENOMEM;
	f->aliases[alias_slot(f->aliases, f->n_slots, &alias)] = alias;
	f->n_aliases++;
	return 0;
}

static enum trace_left_out why_left_out(const struct traced_files *f, const char *path)
{
	const struct fstype *type;

	if (path[0] != '/' || strlen(path) > LIMIT_PATH_BYTES)
		return LEFT_OUT_NEVER_A_FILE;
	if (!utf8_is_plain(path))
		return LEFT_OUT_NAME;
	for (size_t i = 0; i < ARRAY_SIZE(left_out_dirs); i++)
		if (strncmp(path, left_out_dirs[i].prefix,
			    strlen(left_out_dirs[i].prefix)) == 0)
			return left_out_dirs[i].why;
	if (store_is_state(path))
		return LEFT_OUT_NEVER_A_FILE;
	type = fstype_find(mounts_fstype(f->mounts, path));
	if (type->on_disk)
		return f->system_wide && !mounts_is_local(f->mounts, path)
			       ? LEFT_OUT_FILE_SYSTEM
			       : LEFT_OUT_NOT;
	return type->local ? LEFT_OUT_MEMORY : LEFT_OUT_FILE_SYSTEM;
}

bool traced_files_path_counts(const struct traced_files *f, const char *path)
{
	return why_left_out(f, path) == LEFT_OUT_NOT;
}

/* New file, known by no alias yet, without pages. */
static struct traced_file *file_add(struct traced_files *f, const char *path,
				    enum trace_left_out why)
{
	struct traced_file *file = calloc(1, sizeof(*file));

	if (!file || VEC_RESERVE_ONE(f->items, f->n, f->capacity) < 0) {
		free(file);
		return NULL;
	}
	file->why = why;
	f->items[f->n++] = file;
	if (why != LEFT_OUT_NEVER_A_FILE)
		file->object.path = strdup(path);
	return file;
}

void traced_file_make_room(struct traced_file *file, uint64_t n_pages)
{
	struct trace_object *o = &file->object;
	uint8_t *when;

	if (n_pages <= o->n_pages || file->why != LEFT_OUT_NOT)
		return;
	if (n_pages > MAX_FILE_PAGES) {
		file->why = LEFT_OUT_NEVER_A_FILE;
		return;
	}
	/* calloc(): pages of zeros that are never touched cost nothing. */
	when = calloc(n_pages, 1);
	if (!when || !o->path) {
		free(when);
		file->why = LEFT_OUT_NEVER_A_FILE;
		return;
	}
	if (o->n_pages)
		memcpy(when, o->when, o->n_pages);
	free(o->when);
	o->when = when;
	o->n_pages = (uint32_t)n_pages;
}

static void set_identity(struct traced_file *file, const struct stat *st)
{
	struct trace_object *o = &file->object;

	o->dev = st->st_dev;
	o->ino = st->st_ino;
	o->size_bytes = (uint64_t)st->st_size;
	traced_file_make_room(file, DIV_ROUND_UP(o->size_bytes, PAGE_BYTES));
}

/* PATH, as the mount namespace of PID has it, becomes the one that we have, if there is one. */
static void translate(const struct traced_files *f, pid_t pid,
		      char path[static LIMIT_PATH_BYTES + 1])
{
	_cleanup_(mounts_freep) struct mounts *theirs = NULL;
	char proc[64], here[LIMIT_PATH_BYTES + 1];
	struct stat ns;

	if (f->system_wide || pid == 0)
		return;
	snprintf(proc, sizeof(proc), "/proc/%d/ns/mnt", pid);
	if (stat(proc, &ns) < 0 || (ns.st_ino == f->ns.st_ino && ns.st_dev == f->ns.st_dev))
		return;
	if (mounts_load_of(pid, &theirs) == 0 &&
	    mounts_translate(f->mounts, theirs, path, here, sizeof(here)) == 0)
		strcpy(path, here);
}

static struct traced_file *if_counts(struct traced_file *file)
{
	return file && file->why == LEFT_OUT_NOT ? file : NULL;
}

static bool leads_to(const char *path, const struct stat *file)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == file->st_dev &&
	       st.st_ino == file->st_ino;
}

/* In a recording of the system notifications come first, and are asked for by the caller. */
static void follow_mounts(struct traced_files *f)
{
	if (!f->system_wide)
		traced_files_follow_mounts(f);
}

struct traced_file *traced_files_by_fd(struct traced_files *f, pid_t pid, int fd)
{
	char proc[64], path[LIMIT_PATH_BYTES + 1];
	struct traced_alias alias = { 0 };
	enum trace_left_out why;
	struct stat st = { 0 };
	struct statx stx;
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/%d/fd/%d", pid, fd);
	/* DONT_SYNC: the file may be on FUSE and its server stopped by us. */
	if (statx(AT_FDCWD, proc, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &stx) < 0 ||
	    !S_ISREG(stx.stx_mode) || stx.stx_size == 0)
		return NULL;
	alias.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	alias.ino = stx.stx_ino;
	alias.file = traced_alias_find(f, &alias);
	if (alias.file)
		return if_counts(alias.file);
	n = readlink(proc, path, sizeof(path) - 1);
	path[MAX(n, 0)] = 0;
	st.st_size = (off_t)stx.stx_size;
	st.st_dev = alias.dev;
	st.st_ino = alias.ino;
	follow_mounts(f);
	translate(f, pid, path);
	why = stx.stx_nlink ? why_left_out(f, path) : LEFT_OUT_NEVER_A_FILE;
	/* Another open of the file may be by a better path. */
	if (f->system_wide && !(why == LEFT_OUT_NOT && leads_to(path, &st)))
		return NULL;
	alias.file = file_add(f, path, why);
	if (!alias.file || traced_alias_add(f, alias) < 0)
		return NULL;
	set_identity(alias.file, &st);
	return if_counts(alias.file);
}

/*
 * Nothing is asked of its file system now, which could be served by who is stopped: that it is
 * the file at PATH is found out in the end. In a recording of the system nobody is stopped.
 */
static struct traced_file *add_mapped(struct traced_files *f, pid_t pid,
				      const struct traced_alias *alias,
				      const char *their_path)
{
	char path[LIMIT_PATH_BYTES + 1];
	struct traced_file *file;

	follow_mounts(f);
	if ((size_t)snprintf(path, sizeof(path), "%s", their_path) < sizeof(path))
		translate(f, pid, path);
	file = file_add(f, path, why_left_out(f, path));
	if (!file)
		return NULL;
	file->mapped_only = true;
	file->map_dev = alias->dev;
	file->map_ino = alias->ino;
	if (f->system_wide && file->why == LEFT_OUT_NOT)
		file = traced_file_resolve(f, file);
	return file;
}

struct traced_file *traced_files_by_mapping(struct traced_files *f, pid_t pid, dev_t dev,
					    ino_t ino, const char *path, uint64_t end_pgno)
{
	struct traced_alias alias = { .dev = dev, .ino = ino }, name = alias;

	/* Most file systems name it as they name descriptors. */
	alias.file = traced_alias_find(f, &alias);
	if (alias.file)
		return if_counts(alias.file);
	name.path_hash = hash_path(path);
	name.file = traced_alias_find(f, &name);
	if (!name.file) {
		name.file = add_mapped(f, pid, &name, path);
		if (!name.file || traced_alias_add(f, name) < 0)
			return NULL;
	}
	if (name.file->mapped_only)
		traced_file_make_room(name.file, end_pgno);
	return if_counts(name.file);
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

	return if_counts(traced_alias_find(f, &key));
}

int traced_files_add_cache(struct traced_files *f, dev_t dev, ino_t ino,
			   struct traced_file *file, bool *ret_clash)
{
	struct traced_alias key = cache_key(dev, ino, file);
	struct traced_file *known = traced_alias_find(f, &key);

	*ret_clash = known && known != file;
	if (!known)
		return traced_alias_add(f, key);
	if (!*ret_clash || !if_counts(known))
		return 0;
	file = file_add(f, "", LEFT_OUT_NEVER_A_FILE);
	if (!file)
		return -ENOMEM;
	f->aliases[alias_slot(f->aliases, f->n_slots, &key)].file = file;
	return 0;
}

int traced_files_follow_mounts(struct traced_files *f)
{
	struct pollfd p = { .fd = f->mountinfo_fd, .events = POLLPRI };
	struct mounts *m;
	int r;

	if (poll(&p, 1, 0) <= 0 || !(p.revents & (POLLPRI | POLLERR)))
		return 0;
	r = mounts_load(&m);
	if (r < 0)
		return r;
	mounts_free(f->mounts);
	f->mounts = m;
	return 1;
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

void traced_files_forget(struct traced_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct traced_file *file = f->items[i];

		if (file->n_used)
			memset(file->object.when, 0, file->object.n_pages);
		file->n_used = 0;
		file->executed = false;
	}
}

uint64_t traced_files_count(const struct traced_files *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->items[i]->n_used;
	return n;
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
