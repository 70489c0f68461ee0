/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two sorted arrays: programs by path, directories by their id, with which events name them.
 * A directory that is not there keeps its place in the list with an id of zeros. Marks stay on
 * what they were put on, so a directory that was replaced is found by its id being another.
 * What the kernel is asked for is in marks.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "io.h"
#include "log.h"
#include "search.h"
#include "vec.h"
#include "watched.h"

static int compare_programs(const void *a, const void *b)
{
	return strcmp(((const struct watched_program *)a)->path,
		      ((const struct watched_program *)b)->path);
}

static int compare_ids(const struct dir_id *a, const struct dir_id *b)
{
	return memcmp(a, b, sizeof(*a));
}

static int compare_dirs(const void *a, const void *b)
{
	return compare_ids(&((const struct watched_dir *)a)->id,
			   &((const struct watched_dir *)b)->id);
}

/* Bytes of the directory's part of PATH, without the slash. */
static size_t dir_bytes(const char *path)
{
	return (size_t)(strrchr(path, '/') - path);
}

static int add_program(struct watched *w, const char *path)
{
	if (path[0] != '/' ||
	    VEC_RESERVE_ONE(w->programs, w->n_programs, w->programs_capacity) < 0)
		return path[0] == '/' ? -ENOMEM : 0;
	w->programs[w->n_programs] = (struct watched_program){ strdup(path), -ENOENT };
	return w->programs[w->n_programs++].path ? 0 : -ENOMEM;
}

/* Each once: a program may have several profiles. */
static void sort_programs(struct watched *w)
{
	size_t n = 0;

	if (w->n_programs > 0)
		qsort(w->programs, w->n_programs, sizeof(w->programs[0]), compare_programs);
	for (size_t i = 0; i < w->n_programs; i++)
		if (n > 0 && strcmp(w->programs[n - 1].path, w->programs[i].path) == 0)
			free(w->programs[i].path);
		else
			w->programs[n++] = w->programs[i];
	w->n_programs = n;
}

static bool has_dir(const struct watched *w, const char *path, size_t bytes)
{
	/* Programs come sorted, so mostly it is the last one. */
	for (size_t i = w->n_dirs; i-- > 0;)
		if (strncmp(w->dirs[i].path, path, bytes) == 0 &&
		    w->dirs[i].path[bytes] == 0)
			return true;
	return false;
}

static int add_dir(struct watched *w, const char *path, size_t bytes)
{
	if (has_dir(w, path, bytes))
		return 0;
	if (VEC_RESERVE_ONE(w->dirs, w->n_dirs, w->dirs_capacity) < 0)
		return -ENOMEM;
	w->dirs[w->n_dirs] = (struct watched_dir){ .path = strndup(path, bytes) };
	return w->dirs[w->n_dirs++].path ? 0 : -ENOMEM;
}

/* With all above, which tell when one goes or comes. */
static int add_dirs_of(struct watched *w, const char *path)
{
	for (size_t n = strlen(path); n > 0;) {
		int r;

		while (path[--n] != '/')
			;
		r = add_dir(w, path, n);
		if (r < 0)
			return r;
	}
	return 0;
}

void watched_done(struct watched *w)
{
	for (size_t i = 0; i < w->n_programs; i++)
		free(w->programs[i].path);
	for (size_t i = 0; i < w->n_dirs; i++)
		free(w->dirs[i].path);
	free(w->programs);
	free(w->dirs);
	mounts_free(w->mounts);
	*w = (struct watched){ .store = w->store, .marks = w->marks };
}

int watched_set(struct watched *w, const struct shadow *index,
		const struct name_list *bringing)
{
	_cleanup_(watched_done) struct watched next = { w->store, w->marks };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < index->n_launches; i++)
		r = add_program(&next, shadow_string(index, index->launches[i].program));
	for (size_t i = 0; r == 0 && i < bringing->n; i++)
		r = add_program(&next, bringing->names[i]);
	sort_programs(&next);
	for (size_t i = 0; r == 0 && i < next.n_programs; i++)
		r = add_dirs_of(&next, next.programs[i].path);
	if (r < 0)
		return r;
	watched_done(w);
	*w = next;
	next = (struct watched){ 0 };
	marks_flush(w->marks);
	return watched_resolve(w, true);
}

/* The mount table first, as everywhere: a hung file system would take us along. */
static int open_dir(const struct watched *w, const char *path)
{
	const char *root = strcmp(w->store->root_path, "/") == 0 ? "" : w->store->root_path;
	char full[2 * LIMIT_PATH_BYTES + 2];
	_cleanup_close_ int fd = -1;
	int dir;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	if (!mounts_is_local(w->mounts, *full ? full : "/"))
		return -EREMOTE;
	fd = io_open_path(w->store->rootfd, *path ? path : "/", NULL);
	if (fd < 0)
		return fd;
	dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -errno : dir;
}

/* Sorted before all that is below the directory of DIR's first N bytes. */
static bool is_before_dir(const char *program, const char *dir, size_t n)
{
	int c = strncmp(program, dir, n);

	return c < 0 || (c == 0 && (unsigned char)program[n] < '/');
}

/* The first program below PATH, if there is one. */
static size_t first_in(const struct watched *w, const char *path)
{
	size_t n = strlen(path);

	return SEARCH_FIRST(i, w->n_programs, is_before_dir(w->programs[i].path, path, n));
}

static void mark_program(struct watched *w, struct watched_program *p, int dirfd)
{
	p->error = marks_add_file(w->marks, dirfd, strrchr(p->path, '/') + 1);
	if (p->error == 0)
		log_debug("watching '%s'", p->path);
}

/* ERROR, or 0 and their marks' errors, to all programs right in the directory PATH. */
static void mark_programs(struct watched *w, const char *path, int dirfd, int error)
{
	size_t n = strlen(path);

	for (size_t i = first_in(w, path); i < w->n_programs; i++) {
		struct watched_program *p = &w->programs[i];

		if (strncmp(p->path, path, n) != 0 || p->path[n] != '/')
			break;
		if (dir_bytes(p->path) != n)
			continue;
		if (error < 0)
			p->error = error;
		else
			mark_program(w, p, dirfd);
	}
}

/* 1: it was not marked, or another directory is there now. 0: nothing new; or an error. */
static int mark_dir(struct watched *w, struct watched_dir *d, bool anew)
{
	_cleanup_close_ int fd = open_dir(w, d->path);
	struct dir_id id;
	int r = fd < 0 ? fd : marks_identify(fd, &id);

	if (r == 0 && !anew && compare_ids(&id, &d->id) == 0)
		return 0;
	d->id = (struct dir_id){ 0 };
	if (r == 0)
		r = marks_add_directory(w->marks, fd);
	if (r == 0)
		d->id = id;
	mark_programs(w, d->path, fd, r);
	return r < 0 ? r : 1;
}

static bool is_missing(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ELOOP;
}

/* True: look again, something may have been made before the directory above it had its mark. */
static bool resolve_once(struct watched *w, bool anew)
{
	bool any_missing = false, any_new = false;

	for (size_t i = 0; i < w->n_dirs; i++) {
		int r = mark_dir(w, &w->dirs[i], anew);

		any_missing |= is_missing(r);
		any_new |= r > 0;
	}
	return any_missing && any_new;
}

int watched_resolve(struct watched *w, bool anew)
{
	int r;

	mounts_free(w->mounts);
	w->mounts = NULL;
	r = mounts_load(&w->mounts);
	if (r < 0)
		return r;
	while (resolve_once(w, anew))
		anew = false;
	if (w->n_dirs > 0)
		qsort(w->dirs, w->n_dirs, sizeof(w->dirs[0]), compare_dirs);
	return 0;
}

static const struct watched_dir *find_dir(const struct watched *w, const struct dir_id *id)
{
	const struct watched_dir key = { .id = *id };

	return w->n_dirs
		       ? bsearch(&key, w->dirs, w->n_dirs, sizeof(w->dirs[0]), compare_dirs)
		       : NULL;
}

static struct watched_program *find_path(const struct watched *w, char *path)
{
	const struct watched_program key = { .path = path };

	return w->n_programs ? bsearch(&key, w->programs, w->n_programs,
				       sizeof(w->programs[0]), compare_programs)
			     : NULL;
}

/* DIRECTORY/NAME; false: longer than any path. */
static bool join(const struct watched_dir *d, const char *name, char *ret, size_t bytes)
{
	size_t n = strlen(d->path), m = strlen(name);

	if (n + 1 + m + 1 > bytes)
		return false;
	memcpy(ret, d->path, n);
	ret[n] = '/';
	memcpy(ret + n + 1, name, m + 1);
	return true;
}

struct watched_program *watched_find(const struct watched *w, const struct dir_id *id,
				     const char *name)
{
	const struct watched_dir *d = find_dir(w, id);
	char path[LIMIT_PATH_BYTES + 1];

	return d && join(d, name, path, sizeof(path)) ? find_path(w, path) : NULL;
}

bool watched_changed(struct watched *w, const struct dir_id *id, const char *name)
{
	const struct watched_dir *d = find_dir(w, id);
	char path[LIMIT_PATH_BYTES + 1];
	struct watched_program *p;
	_cleanup_close_ int fd = -1;

	if (!d || !join(d, name, path, sizeof(path)))
		return false;
	p = find_path(w, path);
	if (p) {
		fd = open_dir(w, d->path);
		if (fd >= 0)
			mark_program(w, p, fd);
	}
	return has_dir(w, path, strlen(path));
}

void watched_time(struct watched *w, const struct watched_program *p, bool on)
{
	size_t n = dir_bytes(p->path);
	char dir[LIMIT_PATH_BYTES + 1];
	_cleanup_close_ int fd = -1;

	if (n >= sizeof(dir))
		return;
	memcpy(dir, p->path, n);
	dir[n] = 0;
	fd = open_dir(w, dir);
	if (fd >= 0)
		marks_time_file(w->marks, fd, p->path + n + 1, on);
}

size_t watched_count_failed(const struct watched *w, int *ret_error)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_programs; i++) {
		if (w->programs[i].error == 0 || is_missing(w->programs[i].error))
			continue;
		*ret_error = w->programs[i].error;
		n++;
	}
	return n;
}
