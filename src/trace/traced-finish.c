/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* After the launch: paths are walked, and what is not what was recorded is left out. */
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bounds.h"
#include "proc-maps.h"
#include "traced-files-private.h"
#include "vec.h"

static int open_at_path(const char *path, struct stat *ret)
{
	_cleanup_close_ int fd = -1;

	/* Asked first: a FIFO or a device is not to be opened. */
	if (stat(path, ret) < 0)
		return -errno;
	if (!S_ISREG(ret->st_mode) || ret->st_size == 0)
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, ret) < 0)
		return -errno;
	return S_ISREG(ret->st_mode) ? TAKE_FD(fd) : -ENOENT;
}

/* ---- files known by their mappings ---- */

/* Whether /proc/self/maps says of the mapping at AT what it said of FILE's. */
static bool is_mapped_at(const struct traced_file *file, const void *at)
{
	struct proc_mapping m = { 0 };
	struct proc_maps maps;

	if (proc_maps_open(0, &maps) < 0)
		return false;
	while (proc_maps_next(&maps, &m) && m.start != (uintptr_t)at)
		;
	proc_maps_done(&maps);
	return m.start == (uintptr_t)at && m.dev == file->map_dev && m.ino == file->map_ino;
}

static bool shows_as(const struct traced_file *file, int fd)
{
	void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	bool same;

	if (at == MAP_FAILED)
		return false;
	same = is_mapped_at(file, at);
	munmap(at, 1);
	return same;
}

/*
 * A mapping shows a superblock's device and an inode number, which on btrfs and overlayfs may
 * not be those of stat(): the same file, mapped here, shows the same.
 */
static bool is_at_path(const struct traced_file *file, struct stat *ret)
{
	_cleanup_close_ int fd = -1;

	if (stat(file->object.path, ret) < 0 || !S_ISREG(ret->st_mode) || ret->st_size == 0)
		return false;
	if (ret->st_dev == file->map_dev && ret->st_ino == file->map_ino)
		return true;
	fd = open_at_path(file->object.path, ret);
	return fd >= 0 && shows_as(file, fd);
}

static void merge_into(struct traced_file *to, struct traced_file *from)
{
	for (uint32_t i = 0; i < from->object.n_pages; i++)
		if (from->object.when[i])
			traced_file_mark(to, i, 1, from->object.when[i] - 1u);
	to->executed |= from->executed;
	from->n_used = 0;
	from->why = LEFT_OUT_NEVER_A_FILE; /* it is told of as the other one */
}

/* Pages behind the end can be mapped, not touched. */
static void set_size(struct traced_file *file, uint64_t bytes)
{
	struct trace_object *o = &file->object;
	uint64_t n_pages = DIV_ROUND_UP(bytes, PAGE_BYTES);

	o->size_bytes = bytes;
	traced_file_make_room(file, n_pages);
	for (uint64_t i = n_pages; i < o->n_pages; i++)
		file->n_used -= o->when[i] != 0;
	o->n_pages = (uint32_t)MIN(n_pages, o->n_pages);
}

struct traced_file *traced_file_resolve(struct traced_files *f, struct traced_file *file)
{
	struct traced_alias alias = { 0 };
	struct stat st;

	if (!traced_files_path_counts(f, file->object.path))
		return file->why = LEFT_OUT_FILE_SYSTEM, file;
	if (!is_at_path(file, &st))
		return file->why = LEFT_OUT_ELSEWHERE, file;
	alias.dev = st.st_dev;
	alias.ino = st.st_ino;
	alias.file = traced_alias_find(f, &alias);
	if (alias.file) {
		merge_into(alias.file, file);
		return alias.file;
	}
	file->object.dev = st.st_dev;
	file->object.ino = st.st_ino;
	file->mapped_only = false;
	set_size(file, (uint64_t)st.st_size);
	alias.file = file;
	return traced_alias_add(f, alias) < 0 ? NULL : file;
}

/* ---- what the kernel reads to execute a file ---- */

/* The string in the BYTES that stand at OFF; NULL: none there, or no memory. */
static char *read_string(int fd, uint64_t off, uint64_t bytes)
{
	char text[LIMIT_PATH_BYTES + 1];
	ssize_t n = pread(fd, text, MIN(bytes, sizeof(text) - 1), (off_t)off);

	text[MAX(n, 0)] = 0;
	return *text ? strdup(text) : NULL;
}

/* Page 0, the program headers and the interpreter's name: fs/binfmt_elf.c. */
static void mark_headers(struct traced_file *file)
{
	struct stat st;
	_cleanup_close_ int fd = open_at_path(file->object.path, &st);
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	/* The first 256 bytes are read whatever the format. */
	traced_file_mark_bytes(file, 0, 256, 0);
	if (fd < 0 || pread(fd, &eh, sizeof(eh), 0) != sizeof(eh) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_phentsize != sizeof(ph) ||
	    eh.e_phoff > file->object.size_bytes)
		return;
	traced_file_mark_bytes(file, eh.e_phoff, (uint64_t)eh.e_phnum * sizeof(ph), 0);
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		if (pread(fd, &ph, sizeof(ph), (off_t)(eh.e_phoff + i * sizeof(ph))) !=
		    sizeof(ph))
			return;
		if (ph.p_type != PT_INTERP)
			continue;
		traced_file_mark_bytes(file, ph.p_offset, ph.p_filesz, 0);
		if (!file->interpreter)
			file->interpreter = read_string(fd, ph.p_offset, ph.p_filesz);
	}
}

/* ---- the result ---- */

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/*
 * Whether the path still leads to the file, untouched since before the launch. Its ctime tells:
 * whatever sets the mtime sets it, too, and nobody can set it back.
 */
static enum trace_left_out judge(const struct traced_files *f, const struct trace_object *o)
{
	struct stat st;

	if (!traced_files_path_counts(f, o->path))
		return LEFT_OUT_FILE_SYSTEM; /* mounted over meanwhile */
	if (stat(o->path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_dev != o->dev ||
	    st.st_ino != o->ino)
		return LEFT_OUT_ELSEWHERE;
	return (uint64_t)st.st_size == o->size_bytes && is_before(&st.st_ctim, &f->start)
		       ? LEFT_OUT_NOT
		       : LEFT_OUT_CHANGED;
}

static int compare_objects(const void *a, const void *b)
{
	return strcmp(((const struct trace_object *)a)->path,
		      ((const struct trace_object *)b)->path);
}

/* Also how memory without a file is shown: "/memfd:x (deleted)". */
static bool is_deleted(const char *path)
{
	static const char suffix[] = " (deleted)";
	size_t n = strlen(path);

	return n >= sizeof(suffix) - 1 &&
	       strcmp(path + n - (sizeof(suffix) - 1), suffix) == 0;
}

static void count_left_out(struct trace_result *ret, struct traced_file *file)
{
	struct trace_omission *o = &ret->left_out[file->why];

	if (file->why == LEFT_OUT_NEVER_A_FILE || !file->object.path ||
	    is_deleted(file->object.path))
		return;
	if (o->n_files++ == 0)
		o->example = TAKE_PTR(file->object.path);
}

/* What O owns is RET's then. */
static int take_object(struct trace_object *o, struct trace_object **ret, size_t *n,
		       size_t *capacity)
{
	if (VEC_RESERVE_ONE(*ret, *n, *capacity) < 0)
		return -ENOMEM;
	(*ret)[(*n)++] = *o;
	o->path = NULL;
	o->when = NULL;
	return 0;
}

static int finish_file(struct traced_files *f, struct traced_file *file,
		       struct trace_result *ret)
{
	struct trace_object *o = &file->object;

	if (file->why == LEFT_OUT_NOT && file->executed)
		mark_headers(file);
	if (file->why == LEFT_OUT_NOT && file->n_used)
		file->why = judge(f, o);
	if (file->why != LEFT_OUT_NOT) {
		if (file->why == LEFT_OUT_CHANGED && f->system_wide && file->n_used)
			return take_object(o, &ret->changed, &ret->n_changed,
					   &ret->changed_capacity);
		count_left_out(ret, file);
		return 0;
	}
	if (!file->n_used)
		return 0;
	file->n_used = 0;
	return take_object(o, &ret->objects, &ret->n_objects, &ret->objects_capacity);
}

int traced_files_finish(struct traced_files *f, struct trace_result *ret)
{
	traced_files_follow_mounts(f);
	for (size_t i = 0; i < f->n; i++) {
		struct traced_file *file = f->items[i];

		if (file->mapped_only && file->why == LEFT_OUT_NOT &&
		    !traced_file_resolve(f, file))
			return -ENOMEM;
	}
	for (size_t i = 0; i < f->n; i++)
		if (finish_file(f, f->items[i], ret) < 0)
			return -ENOMEM;
	if (ret->n_objects)
		qsort(ret->objects, ret->n_objects, sizeof(ret->objects[0]),
		      compare_objects);
	return 0;
}
