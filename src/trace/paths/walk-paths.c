/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounds.h"
#include "vec.h"
#include "walk-paths.h"

#define MAX_LINKS 40 /* of one path, as the kernel: MAXSYMLINKS */

/* A name in a directory; without one the directory was listed. */
struct pair {
	char *dir;
	const char *name; /* behind the NUL of dir */
};

struct walk {
	const struct traced_files *files;
	struct pair *pairs;
	size_t n, capacity;
	/* Of the path that is walked: where it has come to, and what is left of it. */
	char dir[PATH_MAX]; /* canonical; "" is the root */
	char rest[2 * PATH_MAX];
	unsigned n_links;
};

static void walk_done(struct walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->pairs[i].dir);
	free(w->pairs);
}

static int add_pair(struct walk *w, const char *dir, const char *name)
{
	size_t dir_bytes = strlen(dir) + 1, name_bytes = strlen(name) + 1;
	char *text;

	if (VEC_RESERVE_ONE(w->pairs, w->n, w->capacity) < 0)
		return -ENOMEM;
	text = malloc(dir_bytes + name_bytes);
	if (!text)
		return -ENOMEM;
	memcpy(text, dir, dir_bytes);
	memcpy(text + dir_bytes, name, name_bytes);
	w->pairs[w->n++] = (struct pair){ text, text + dir_bytes };
	return 0;
}

/* The first component of what is left, taken off it. */
static bool next_component(struct walk *w, char ret[static LIMIT_FILE_NAME_BYTES + 1])
{
	const char *at = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(at, "/");

	if (n == 0 || n > LIMIT_FILE_NAME_BYTES)
		return false;
	memcpy(ret, at, n);
	ret[n] = 0;
	memmove(w->rest, at + n, strlen(at + n) + 1);
	return true;
}

static bool is_later(const struct statx_timestamp *t, const struct timespec *start)
{
	return t->tv_sec != start->tv_sec ? t->tv_sec > start->tv_sec
					  : t->tv_nsec >= (uint32_t)start->tv_nsec;
}

/* Whether it was not there before. A directory changes with what is made in it. */
static bool is_new(const struct walk *w, const struct statx *st)
{
	if (st->stx_mask & STATX_BTIME)
		return is_later(&st->stx_btime, &w->files->start);
	return !S_ISDIR(st->stx_mode) && is_later(&st->stx_ctime, &w->files->start);
}

/* What is left goes on behind the link's target, from the link's directory or the root. */
static bool follow_link(struct walk *w, const char *path)
{
	char target[2 * PATH_MAX];
	ssize_t n = readlink(path, target, PATH_MAX - 1);

	if (n <= 0 || ++w->n_links > MAX_LINKS ||
	    (size_t)n + strlen(w->rest) >= sizeof(target))
		return false;
	strcpy(target + n, w->rest);
	strcpy(w->rest, target);
	if (target[0] == '/')
		w->dir[0] = 0;
	return true;
}

static void go_up(struct walk *w)
{
	char *slash = strrchr(w->dir, '/');

	if (slash)
		*slash = 0;
}

/* PATH is NAME in the directory that the walk has come to. 1: go on, 0: that was all. */
static int look_up(struct walk *w, const char *path, const char *name, bool follow_last)
{
	bool is_last = w->rest[strspn(w->rest, "/")] == 0;
	struct statx st;
	int r;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  STATX_TYPE | STATX_CTIME | STATX_BTIME, &st) < 0)
		return errno == ENOENT ? add_pair(w, w->dir, name) : 0;
	if (is_new(w, &st))
		return 0;
	r = add_pair(w, w->dir, name);
	if (r < 0)
		return r;
	if (S_ISLNK(st.stx_mode))
		return (!is_last || follow_last) && follow_link(w, path);
	if (!S_ISDIR(st.stx_mode))
		return 0;
	strcpy(w->dir, path);
	return 1;
}

/* -ENOMEM, else 1: go on, 0: that was all. */
static int step(struct walk *w, bool follow_last)
{
	char name[LIMIT_FILE_NAME_BYTES + 1], path[PATH_MAX];

	if (!next_component(w, name))
		return 0;
	if (strcmp(name, ".") == 0)
		return 1;
	if (strcmp(name, "..") == 0) {
		go_up(w);
		return 1;
	}
	if (snprintf(path, sizeof(path), "%s/%s", w->dir, name) >= (int)sizeof(path))
		return 0;
	/* Asked first: what is mounted there may hang. */
	if (lookup_name_problem(name) || !traced_files_path_counts(w->files, path))
		return 0;
	return look_up(w, path, name, follow_last);
}

static int walk(struct walk *w, const struct asked_path *p)
{
	int r;

	if (strlen(p->path) >= PATH_MAX || p->how & ASKED_ELSEWHERE)
		return 0;
	w->dir[0] = 0;
	w->n_links = 0;
	strcpy(w->rest, p->path);
	do {
		r = step(w, p->how & ASKED_FOLLOWED);
	} while (r > 0);
	if (r < 0 || !(p->how & ASKED_LISTED) || strcmp(w->dir, p->path) != 0)
		return r;
	return add_pair(w, w->dir, "");
}

/* The first line of a script: fs/binfmt_script.c. False: PATH is none. */
static bool read_interpreter(const char *path, char ret[static 256])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : pread(fd, ret, 255, 0);
	size_t blanks;

	if (n < 2 || memcmp(ret, "#!", 2) != 0)
		return false;
	ret[n] = 0;
	blanks = 2 + strspn(ret + 2, " \t");
	memmove(ret, ret + blanks, (size_t)n + 1 - blanks);
	ret[strcspn(ret, " \t\n")] = 0;
	return ret[0] == '/';
}

/* An interpreter may be a script itself: what is added is looked at, too. */
void walk_scripts(struct asked_paths *asked, const struct traced_files *files)
{
	char interpreter[256];

	for (size_t i = 0; i < asked->n; i++) {
		const struct asked_path *p = &asked->items[i];

		if (p->how & ASKED_EXECUTED && traced_files_path_counts(files, p->path) &&
		    read_interpreter(p->path, interpreter))
			asked_paths_add(asked, interpreter,
					ASKED_FOLLOWED | ASKED_EXECUTED);
	}
}

static int compare_pairs(const void *pa, const void *pb)
{
	const struct pair *a = pa, *b = pb;
	int c = strcmp(a->dir, b->dir);

	return c ? c : strcmp(a->name, b->name);
}

/* PAIRS are sorted: that a directory was listed comes before its names. */
static int make_lookups(const struct walk *w, struct lookups *ret)
{
	struct lookup_dir *d = NULL;

	for (size_t i = 0; i < w->n; i++) {
		const struct pair *p = &w->pairs[i];

		if (i > 0 && compare_pairs(p - 1, p) == 0)
			continue;
		if (i == 0 || strcmp(p[-1].dir, p->dir) != 0) {
			const char *path = *p->dir ? p->dir : "/";

			d = lookups_add_dir(ret, path, strlen(path), !*p->name);
			if (!d)
				return -ENOMEM;
		}
		if (*p->name && lookup_dir_add(d, p->name, strlen(p->name), 1) < 0)
			return -ENOMEM;
	}
	return 0;
}

int walk_paths(const struct asked_paths *asked, const struct traced_files *files,
	       struct lookups *ret)
{
	_cleanup_(walk_done) struct walk w = { .files = files };
	int r = 0;

	for (size_t i = 0; r == 0 && i < asked->n; i++)
		r = walk(&w, &asked->items[i]);
	if (r == 0 && w.n > 0)
		qsort(w.pairs, w.n, sizeof(w.pairs[0]), compare_pairs);
	return r < 0 ? r : make_lookups(&w, ret);
}
