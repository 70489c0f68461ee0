/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directories are looked at (their inode numbers), files are not: the pack has their
 * numbers, and of what a launch looks up the directories on the disk. What those numbers mean on the device, disk/ext4 knows.
 */
#include <errno.h>
#include <search.h>
#include <string.h>

#include "blockdev.h"
#include "bounds.h"
#include "ext4.h"
#include "fstypes.h"
#include "io.h"
#include "metadata-places.h"
#include "shadow-write.h"
#include "vec.h"

/* A name that is looked up, known by its inode number or, where that is 0, as it is. */
struct lookup {
	uint32_t dir_ino, ino;
	bool is_dir;
	bool walks;	  /* its directory is one that programs look around in */
	const char *name; /* in a path of the pack or of a directory; SHADOW_LISTED: all */
};

struct filesystem {
	dev_t dev;
	char *path; /* where it is mounted, below the root */
	enum storage_class storage;
	int fd; /* of its device; -1: nothing to do here */
	struct ext4 fs;
	struct lookup *lookups;
	size_t n, capacity;
	struct ext4_blocks blocks;
	size_t n_eager_blocks; /* the first ones: of the boot's own files */
};

struct directory {
	int error; /* cannot be opened, is no directory, lies behind one that is not local */
	dev_t dev;
	uint32_t ino;
	size_t filesystem; /* index */
	char path[];
};

struct builder {
	const struct facts_context *c;
	int sysfd;
	void *directories; /* tree of struct directory */
	struct filesystem *filesystems;
	size_t n, capacity;
	struct extent_desc *extents;
	size_t n_extents, extents_capacity;
	const struct shadow *recorded; /* boot.blocks, or NULL */
	bool exact;		       /* lookups are known: nothing is to be guessed */
	bool eager;	/* what the boot itself needs is looked for; then the rest */
	size_t n_eager; /* of the extents: what the boot's own files need */
};

static void builder_done(struct builder *b)
{
	tdestroy(b->directories, free);
	for (size_t i = 0; i < b->n; i++) {
		struct filesystem *f = &b->filesystems[i];

		if (f->fd >= 0)
			close(f->fd);
		free(f->path);
		free(f->lookups);
		ext4_blocks_done(&f->blocks);
	}
	free(b->filesystems);
	free(b->extents);
	if (b->sysfd >= 0)
		close(b->sysfd);
}

/* The part of mount point POINT below the root; "/" when it lies above. */
static char *path_below_root(const struct facts_context *c, const char *point)
{
	size_t n = strcmp(c->root_path, "/") == 0 ? 0 : strlen(c->root_path);

	if (strncmp(point, c->root_path, n) == 0 && point[n] == '/')
		return strdup(point + n);
	return strdup("/");
}

/* The device of what is mounted at FULL, if that is DEV and can be read. */
static int open_device(const struct builder *b, struct filesystem *f, const char *full)
{
	_cleanup_close_ int fd = -1;
	dev_t dev;
	int r;

	/* An overlay's files have a number that is no device's. */
	if (!fstype_find(mounts_fstype(b->c->mounts, full))->ext4_metadata ||
	    mounts_device(b->c->mounts, full, &dev) < 0 || dev != f->dev)
		return -ENOENT;
	fd = blockdev_open(b->sysfd, dev);
	if (fd < 0)
		return fd;
	r = ext4_open(fd, &f->fs);
	if (r == 0)
		f->fd = TAKE_FD(fd);
	return r;
}

/* The file system with device number DEV, met first at FULL. */
static int find_filesystem(struct builder *b, dev_t dev, const char *full, size_t *ret)
{
	struct filesystem f = { .dev = dev, .fd = -1 };
	const char *point = mounts_point(b->c->mounts, full);

	for (size_t i = 0; i < b->n; i++)
		if (b->filesystems[i].dev == dev) {
			*ret = i;
			return 0;
		}
	if (VEC_RESERVE_ONE(b->filesystems, b->n, b->capacity) < 0)
		return -ENOMEM;
	f.path = path_below_root(b->c, point ? point : "/");
	if (!f.path)
		return -ENOMEM;
	f.storage = facts_storage(b->c, full);
	open_device(b, &f, full);
	*ret = b->n;
	b->filesystems[b->n++] = f;
	return 0;
}

static int add_lookup(struct builder *b, size_t filesystem, const struct lookup *l)
{
	struct filesystem *f = &b->filesystems[filesystem];

	if (f->fd < 0)
		return 0;
	if (VEC_RESERVE_ONE(f->lookups, f->n, f->capacity) < 0)
		return -ENOMEM;
	f->lookups[f->n++] = *l;
	return 0;
}

static int compare_directories(const void *a, const void *b)
{
	return strcmp(((const struct directory *)a)->path,
		      ((const struct directory *)b)->path);
}

/* Entry for the first BYTES of PATH; its error is -EAGAIN when it is new. NULL: no memory.
 */
static struct directory *find_directory(struct builder *b, const char *path, size_t bytes)
{
	struct directory *d = calloc(1, sizeof(*d) + bytes + 1), **found;

	if (!d)
		return NULL;
	memcpy(d->path, path, bytes);
	d->error = -EAGAIN;
	found = tsearch(d, &b->directories, compare_directories);
	if (!found || *found != d)
		free(d);
	return found ? *found : NULL;
}

/*
 * Below /usr programs open what they know by name. Elsewhere they look at all there is, as
 * `git status` does at a work tree, of which it reads few files. Not below /var, which
 * changes with every file that is written there, ours too.
 */
static bool is_walked(const char *path)
{
	return strncmp(path, "/usr/", strlen("/usr/")) != 0 &&
	       strncmp(path, "/var/", strlen("/var/")) != 0;
}

static bool may_walk(const struct builder *b, const char *path)
{
	return !b->exact && (b->eager || is_walked(path));
}

/* Whether something is wrong with it is noted in D; memory is all that can fail. */
static int look_at_directory(struct builder *b, struct directory *d,
			     const struct directory *parent)
{
	char full[2 * LIMIT_PATH_BYTES + 2];
	_cleanup_close_ int fd = -1;
	struct lookup l;
	struct stat st;

	d->error = parent ? parent->error : 0;
	if (d->error == 0)
		d->error = facts_full_path(b->c, d->path, full, sizeof(full));
	if (d->error == 0 && !mounts_is_local(b->c->mounts, full))
		d->error = -EREMOTE;
	if (d->error < 0)
		return 0;
	fd = io_open_path(b->c->rootfd, d->path, &st);
	d->error = fd < 0 ? fd : S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	if (d->error < 0)
		return 0;
	d->dev = st.st_dev;
	d->ino = (uint32_t)st.st_ino;
	/* What is mounted is known to the kernel without a lookup. */
	if (!parent || parent->dev != d->dev)
		return find_filesystem(b, d->dev, full, &d->filesystem);
	d->filesystem = parent->filesystem;
	l = (struct lookup){ parent->ino, d->ino, true, may_walk(b, d->path),
			     strrchr(d->path, '/') + 1 };
	return add_lookup(b, d->filesystem, &l);
}

/* The directory that holds PATH, and all above it. */
static int visit_directory(struct builder *b, const char *path, struct directory **ret)
{
	const struct directory *parent = NULL;

	for (const char *end = path; end; end = strchr(end + 1, '/')) {
		struct directory *d =
			find_directory(b, path, MAX(end - path, 1)); /* "/" itself */
		int r;

		if (!d)
			return -ENOMEM;
		r = d->error == -EAGAIN ? look_at_directory(b, d, parent) : 0;
		if (r < 0)
			return r;
		parent = *ret = d;
	}
	return 0;
}

/* Whether the boot itself needs pages of O: all that it needs comes first. */
static bool is_eager(const struct shadow *pack, const struct shadow_object *o)
{
	for (uint32_t i = le32_get(o->first_extent); i != SHADOW_NONE;
	     i = le32_get(pack->extents[i].next))
		if (i < pack->n_eager)
			return true;
	return false;
}

static int visit_files(struct builder *b, const struct shadow *pack)
{
	struct directory *d = NULL;
	size_t last_bytes = 0;
	const char *last = "";

	for (uint32_t i = 0; i < pack->n_objects; i++) {
		const struct shadow_object *o = &pack->objects[i];
		const char *path = shadow_string(pack, o->path);
		size_t bytes = (size_t)(strrchr(path, '/') + 1 - path);
		struct lookup l = { .ino = (uint32_t)le64_get(o->ino),
				    .walks = may_walk(b, path),
				    .name = path + bytes };
		int r = 0;

		if (le32_get(o->first_extent) == SHADOW_NONE ||
		    is_eager(pack, o) != b->eager)
			continue;
		/* Sorted by path: mostly it is the directory of the one before. */
		if (bytes != last_bytes || memcmp(path, last, bytes) != 0)
			r = visit_directory(b, path, &d);
		last = path;
		last_bytes = bytes;
		if (r == 0 && d->error == 0) {
			l.dir_ino = d->ino;
			r = add_lookup(b, d->filesystem, &l);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int visit_lookups(struct builder *b, const struct shadow *s)
{
	struct shadow_lookups looked = shadow_lookups(s);
	char path[LIMIT_PATH_BYTES + 2];
	const char *last = NULL, *name;
	struct directory *d = NULL;
	int r = 0;

	while (r == 0 && (name = shadow_lookups_next(&looked))) {
		struct lookup l = { .name = name };

		if (looked.dir != last) {
			snprintf(path, sizeof(path), "%s/",
				 looked.dir[1] ? looked.dir : "");
			r = visit_directory(b, path, &d);
			last = looked.dir;
		}
		if (r < 0 || d->error < 0)
			continue;
		l.dir_ino = d->ino;
		r = add_lookup(b, d->filesystem, &l);
	}
	return r;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_lookups(const void *pa, const void *pb)
{
	const struct lookup *a = pa, *b = pb;

	if (a->dir_ino != b->dir_ino)
		return compare_numbers(a->dir_ino, b->dir_ino);
	return a->ino || b->ino ? compare_numbers(a->ino, b->ino)
				: strcmp(a->name, b->name);
}

static int compare_inos(const void *a, const void *b)
{
	return compare_numbers(((const struct lookup *)a)->ino,
			       ((const struct lookup *)b)->ino);
}

#define WALK_SUBDIRS	  32u
/* A boot's generators and services list directories all over /etc and /usr/lib. */
#define WALK_BOOT_SUBDIRS 256u

/* The lookups in one directory, while its names are read. */
struct scan {
	struct filesystem *f;
	const struct lookup *lookups; /* by inode number */
	size_t n;
	size_t n_named; /* the first of them, by name */
	bool listed, guess_links;
	bool is_root;
	int error;
	/* Directories in it; more than that are not looked at. */
	uint32_t subdirs[WALK_BOOT_SUBDIRS], n_subdirs, max_subdirs;
};

/* "libz.so.1" and "python3" lead to libz.so.1.2.13 and python3.11. */
static bool is_short_for(const struct ext4_name *link, const struct lookup *l)
{
	return strncmp(l->name, link->name, link->bytes) == 0 &&
	       l->name[link->bytes] == '.';
}

/*
 * Paths of a pack have no links in them, those that programs ask for do: /lib64, and the
 * short names of libraries. Where a link leads is not looked at; one too many costs a page.
 */
static bool is_likely_link(const struct scan *s, const struct ext4_name *name)
{
	if (!name->is_link || s->is_root)
		return name->is_link;
	for (size_t i = 0; i < s->n; i++)
		if (is_short_for(name, &s->lookups[i]))
			return true;
	return false;
}

/* "." and ".." */
static bool is_dot(const struct ext4_name *name)
{
	return name->bytes <= 2 && memcmp(name->name, "..", name->bytes) == 0;
}

/* A name that is not terminated against one that is. */
static int compare_name(const void *pa, const void *pb)
{
	const struct ext4_name *a = pa;
	const char *b = ((const struct lookup *)pb)->name;
	int c = strncmp(a->name, b, a->bytes);

	return c ? c : -(b[a->bytes] != 0);
}

static bool is_named(const struct scan *s, const struct ext4_name *name)
{
	return s->n_named > 0 &&
	       bsearch(name, s->lookups, s->n_named, sizeof(*s->lookups), compare_name);
}

static bool wants_name(const struct ext4_name *name, void *userdata)
{
	struct scan *s = userdata;
	struct lookup key = { .ino = name->ino };

	if (s->lookups->walks && name->is_dir && !is_dot(name)) {
		if (s->n_subdirs < s->max_subdirs)
			s->subdirs[s->n_subdirs] = name->ino;
		s->n_subdirs++;
	}
	if (bsearch(&key, s->lookups, s->n, sizeof(key), compare_inos))
		return true;
	if (!is_named(s, name) && !(s->guess_links && is_likely_link(s, name)))
		return s->listed;
	if (s->error == 0)
		s->error = ext4_add_inode(&s->f->fs, name->ino, &s->f->blocks);
	return true;
}

/* Damage (or a change beneath us) costs what it hides; want of memory ends it all. */
static int fatal(int error)
{
	return error == -ENOMEM || error == -E2BIG ? error : 0;
}

static int add_inodes(struct filesystem *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n; i++) {
		if (f->lookups[i].ino == 0)
			continue;
		r = fatal(ext4_add_inode(&f->fs, f->lookups[i].ino, &f->blocks));
		if (r == 0 && !f->lookups[i].is_dir)
			r = fatal(ext4_add_tree(&f->fs, f->lookups[i].ino, &f->blocks));
	}
	return r;
}

static bool add_name(const struct ext4_name *name, void *userdata)
{
	struct scan *s = userdata;

	if (s->error == 0)
		s->error = ext4_add_inode(&s->f->fs, name->ino, &s->f->blocks);
	return false;
}

/* Names and inodes of all that is in the directories in a directory that is walked. */
static int add_subdirs(struct scan *s)
{
	int r = 0;

	if (s->n_subdirs > s->max_subdirs)
		return 0;
	for (uint32_t i = 0; r == 0 && i < s->n_subdirs; i++) {
		r = fatal(ext4_add_inode(&s->f->fs, s->subdirs[i], &s->f->blocks));
		if (r == 0)
			r = fatal(ext4_add_directory(&s->f->fs, s->subdirs[i], add_name, s,
						     &s->f->blocks));
	}
	return r;
}

/* Those that are known by their names come first; one of them may stand for all. */
static void find_named(struct scan *s)
{
	for (size_t i = 0; i < s->n && s->lookups[i].ino == 0; i++) {
		s->n_named++;
		s->listed |= strcmp(s->lookups[i].name, SHADOW_LISTED) == 0;
	}
}

static int add_directories(const struct builder *b, struct filesystem *f)
{
	int r = 0;

	for (size_t i = 0, next; r == 0 && i < f->n; i = next) {
		struct scan s = { .f = f,
				  .lookups = &f->lookups[i],
				  .guess_links = !b->exact,
				  .max_subdirs =
					  b->eager ? WALK_BOOT_SUBDIRS : WALK_SUBDIRS };
		uint32_t ino = s.lookups->dir_ino;

		for (next = i; next < f->n && f->lookups[next].dir_ino == ino; next++)
			;
		s.n = next - i;
		find_named(&s);
		s.is_root = ino == EXT4_ROOT_INO && strcmp(f->path, "/") == 0;
		r = fatal(ext4_add_directory(&f->fs, ino, wants_name, &s, &f->blocks));
		if (r == 0)
			r = add_subdirs(&s);
		if (r == 0)
			r = fatal(s.error);
	}
	return r;
}

static int compare_runs(const void *pa, const void *pb)
{
	const struct ext4_run *a = pa, *b = pb;

	return (a->first > b->first) - (a->first < b->first);
}

/* Pages of the device. */
struct range {
	uint32_t object;
	uint64_t first, end;
};

static int add_extent(struct builder *b, struct range r, uint32_t when)
{
	if (r.first >= r.end)
		return 0;
	if (VEC_RESERVE_ONE(b->extents, b->n_extents, b->extents_capacity) < 0)
		return -ENOMEM;
	b->extents[b->n_extents++] = (struct extent_desc){
		.object = r.object,
		.first_pgno = (uint32_t)r.first,
		.n_pages = (uint32_t)(r.end - r.first),
		.when = when,
	};
	return 0;
}

/* R less what is eager; *NEXT is the first eager extent that may lie in it. */
static int add_late_extent(struct builder *b, struct range r, size_t *next)
{
	int error = 0;

	for (; error == 0 && *next < b->n_eager; (*next)++) {
		const struct extent_desc *e = &b->extents[*next];
		struct range before = { r.object, r.first, e->first_pgno };

		if (e->object > r.object ||
		    (e->object == r.object && e->first_pgno >= r.end))
			break;
		if (e->object < r.object)
			continue;
		error = add_extent(b, before, 1);
		r.first = MAX(r.first, (uint64_t)e->first_pgno + e->n_pages);
		if (r.first >= r.end)
			break;
	}
	return error == 0 ? add_extent(b, r, 1) : error;
}

/*
 * Holes that are read along. 4 was the fastest on a network volume and an SD card; what the
 * costs of a request and of a page say (10) reads a third more for nothing, none at all
 * takes twice as long. A hard disk does not care. 3,000 of 97,000 files, in ms:
 *
 *   hole at most     0     1     2     4     6     8    10    16
 *   network       1255   848   649   567   561   571   596   643
 *   SD card       2509  1702  1313  1161  1152  1181  1235  1335
 *   pages         7718  9051 10757 13045 14812 16143 17344 19246
 */
#define GAP_PAGES 4

static int add_range(struct builder *b, struct range range, bool eager, size_t *next)
{
	return eager ? add_extent(b, range, 0) : add_late_extent(b, range, next);
}

/* Runs of pages, of the first N blocks of F; eager, or what those have left. */
static int add_extents(struct builder *b, struct filesystem *f, uint32_t object, size_t n,
		       bool eager, size_t *next)
{
	struct range range = { .object = object };
	int r = 0;

	qsort(f->blocks.items, n, sizeof(f->blocks.items[0]), compare_runs);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct ext4_run *run = &f->blocks.items[i];
		uint64_t from = run->first * f->fs.block_bytes / PAGE_BYTES;
		uint64_t to =
			DIV_ROUND_UP((run->first + run->n) * f->fs.block_bytes, PAGE_BYTES);

		if (range.end > 0 && from > range.end + GAP_PAGES) {
			r = add_range(b, range, eager, next);
			range.end = 0;
		}
		if (range.end == 0)
			range.first = from;
		range.end = MAX(range.end, to);
	}
	return r == 0 && range.end > 0 ? add_range(b, range, eager, next) : r;
}

/* What a boot was seen to read of F. */
static int add_recorded(const struct shadow *s, struct filesystem *f)
{
	struct ext4_blocks *l = &f->blocks;
	uint32_t page_blocks = MAX(PAGE_BYTES / f->fs.block_bytes, 1u);

	for (uint32_t i = 0; i < s->n_extents; i++) {
		const struct shadow_extent *e = &s->extents[i];
		const struct shadow_object *o = &s->objects[le32_get(e->object)];

		if (memcmp(o->buildid, f->fs.uuid, SHADOW_UUID_BYTES) != 0)
			continue;
		if (VEC_RESERVE_ONE(l->items, l->n, l->capacity) < 0)
			return -ENOMEM;
		l->items[l->n++] = (struct ext4_run){
			(uint64_t)le32_get(e->first_pgno) * PAGE_BYTES / f->fs.block_bytes,
			le32_get(e->n_pages) * page_blocks,
		};
	}
	return 0;
}

static int find_blocks(struct builder *b)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->n; i++) {
		struct filesystem *f = &b->filesystems[i];

		if (f->fd < 0 || f->n == 0)
			continue;
		qsort(f->lookups, f->n, sizeof(f->lookups[0]), compare_lookups);
		r = add_inodes(f);
		if (r == 0)
			r = add_directories(b, f);
		if (r == 0 && b->eager && b->recorded)
			r = add_recorded(b->recorded, f);
	}
	return r;
}

static int compare_filesystems(const void *a, const void *b)
{
	return strcmp(((const struct filesystem *)a)->path,
		      ((const struct filesystem *)b)->path);
}

static struct object_desc describe(const struct filesystem *f)
{
	struct object_desc o = {
		.path = f->path,
		.buildid = { .n_bytes = SHADOW_UUID_BYTES },
		.wanted_bytes = f->fs.size_bytes,
		.state = OBJECT_VALID,
		.storage = f->storage,
		.identity = { .size_bytes = f->fs.size_bytes },
	};

	memcpy(o.buildid.bytes, f->fs.uuid, SHADOW_UUID_BYTES);
	return o;
}

/* Those with something to read; beyond 16 TiB a page has no number in our formats. */
static bool has_places(const struct filesystem *f)
{
	return f->blocks.n > 0 && f->fs.size_bytes <= LIMIT_FILE_BYTES;
}

static int add_all_extents(struct builder *b, bool eager)
{
	uint32_t object = 0;
	size_t next = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->n; i++) {
		struct filesystem *f = &b->filesystems[i];
		size_t n = eager ? f->n_eager_blocks : f->blocks.n;

		if (has_places(f))
			r = add_extents(b, f, object++, n, eager, &next);
	}
	return r;
}

static int write_places(struct builder *b, uint8_t **ret, size_t *ret_bytes)
{
	_cleanup_free_ struct object_desc *objects = calloc(b->n + 1, sizeof(*objects));
	struct shadow_desc d = { .kind = SHADOW_KIND_PLACES, .objects = objects };
	int r;

	if (!objects)
		return -ENOMEM;
	if (b->n > 0)
		qsort(b->filesystems, b->n, sizeof(b->filesystems[0]), compare_filesystems);
	r = add_all_extents(b, true);
	b->n_eager = b->n_extents;
	if (r == 0)
		r = add_all_extents(b, false);
	if (r < 0)
		return r;
	for (size_t i = 0; i < b->n; i++)
		if (has_places(&b->filesystems[i]))
			objects[d.n_objects++] = describe(&b->filesystems[i]);
	d.extents = b->extents;
	d.n_extents = (uint32_t)b->n_extents;
	d.n_eager = (uint32_t)b->n_eager;
	return d.n_objects ? shadow_write(&d, ret, ret_bytes) : -ENOENT;
}

int metadata_places_build(const struct shadow *pack, const struct shadow *recorded,
			  const struct facts_context *c, uint8_t **ret, size_t *ret_bytes)
{
	_cleanup_(builder_done) struct builder b = {
		.c = c, .sysfd = blockdev_open_sys(), .recorded = recorded, .eager = true
	};
	int r = visit_files(&b, pack);

	if (r == 0)
		r = find_blocks(&b);
	for (size_t i = 0; i < b.n; i++)
		b.filesystems[i].n_eager_blocks = b.filesystems[i].blocks.n;
	b.eager = false;
	if (r == 0)
		r = visit_files(&b, pack);
	if (r == 0)
		r = find_blocks(&b);
	return r < 0 ? r : write_places(&b, ret, ret_bytes);
}

int metadata_places_of_launch(const struct shadow *s, const struct facts_context *c,
			      uint8_t **ret, size_t *ret_bytes)
{
	_cleanup_(builder_done) struct builder b = { .c = c,
						     .sysfd = blockdev_open_sys(),
						     .exact = s->n_lookups > 0 };
	int r = visit_files(&b, s);

	if (r == 0)
		r = visit_lookups(&b, s);
	if (r == 0)
		r = find_blocks(&b);
	return r < 0 ? r : write_places(&b, ret, ret_bytes);
}

int metadata_places_update(const struct store *s, const struct facts_context *c,
			   const struct shadow *pack)
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer recorded = { 0 };
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes;
	bool changed;
	int r = pack ? store_load(s, STORE_BLOCKS, NULL, &recorded) : -ENOENT;

	if (pack)
		r = metadata_places_build(pack, r == 0 ? &recorded.shadow : NULL, c, &data,
					  &bytes);
	if (r == 0)
		return store_put(s, STORE_PLACES, NULL, data, bytes, &changed);
	return r == -ENOMEM ? r : store_remove(s, STORE_PLACES, NULL, &changed);
}
