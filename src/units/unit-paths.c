/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "io.h"
#include "unit-paths.h"
#include "vec.h"

/* systemd.unit(5), "Unit File Load Path", by precedence; those of a system manager. */
static const char *const search_path[UNIT_DIRS] = {
	"/etc/systemd/system.control", "/run/systemd/system.control",
	"/run/systemd/transient",      "/run/systemd/generator.early",
	"/etc/systemd/system",	       "/run/systemd/system",
	"/run/systemd/generator",      "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system",     "/lib/systemd/system",
	"/run/systemd/generator.late",
};

/* ---- directories ---- */

bool unit_paths_reach(const struct unit_paths *p, const char *path)
{
	const char *root = strcmp(p->root_path, "/") == 0 ? "" : p->root_path;
	char full[PATH_MAX];
	int n = snprintf(full, sizeof(full), "%s%s", root, path);

	/* Asked first: walking into a hung file system cannot be interrupted. */
	return n > 0 && (size_t)n < sizeof(full) && mounts_is_local(p->mounts, full);
}

/* A file or directory of root's, that nobody else may write. Descriptor (O_PATH) or error. */
int unit_paths_open(const struct unit_paths *p, const char *path, struct stat *ret_st)
{
	_cleanup_close_ int fd = -1;

	if (!unit_paths_reach(p, path))
		return -EREMOTE;
	fd = io_open_path(p->rootfd, path, ret_st);
	if (fd < 0)
		return fd;
	if (ret_st->st_uid != geteuid() && ret_st->st_uid != 0)
		return -EPERM;
	return ret_st->st_mode & 022 ? -EPERM : TAKE_FD(fd);
}

static DIR *open_dir(const struct unit_paths *p, const char *path)
{
	_cleanup_close_ int path_fd = -1, fd = -1;
	struct stat st;
	DIR *d;

	path_fd = unit_paths_open(p, path, &st);
	if (path_fd < 0 || !S_ISDIR(st.st_mode))
		return NULL;
	fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (d)
		TAKE_FD(fd);
	return d;
}

static char *read_link(DIR *d, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd(d), name, target, sizeof(target));

	return n > 0 && (size_t)n < sizeof(target) ? strndup(target, (size_t)n) : NULL;
}

int unit_entry_compare(const void *a, const void *b)
{
	return strcmp(((const struct unit_entry *)a)->name,
		      ((const struct unit_entry *)b)->name);
}

int unit_dir_list(const struct unit_paths *p, struct unit_dir *ret)
{
	DIR *d = open_dir(p, ret->path);
	int r = 0;

	if (!d)
		return 0;
	for (struct dirent *e; r == 0 && ret->n < LIMIT_UNITS && (e = readdir(d));) {
		struct unit_entry *entry;

		if (e->d_name[0] == '.')
			continue;
		r = VEC_RESERVE_ONE(ret->entries, ret->n, ret->capacity);
		if (r < 0)
			break;
		entry = &ret->entries[ret->n++];
		*entry = (struct unit_entry){ .name = strdup(e->d_name),
					      .target = read_link(d, e->d_name) };
		r = entry->name ? 0 : -ENOMEM;
	}
	closedir(d);
	if (r == 0 && ret->n > 0)
		qsort(ret->entries, ret->n, sizeof(ret->entries[0]), unit_entry_compare);
	return r;
}

void unit_dir_done(struct unit_dir *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->entries[i].name);
		free(d->entries[i].target);
	}
	free(d->entries);
	*d = (struct unit_dir){ .path = d->path };
}

int unit_paths_load(const struct store *s, const struct mounts *m, struct unit_paths *ret)
{
	int r = 0;

	*ret = (struct unit_paths){ s->rootfd, s->root_path, m, { { 0 } } };
	for (size_t i = 0; i < UNIT_DIRS; i++)
		ret->dirs[i].path = search_path[i];
	for (size_t i = 0; r == 0 && i < UNIT_DIRS; i++)
		r = unit_dir_list(ret, &ret->dirs[i]);
	if (r < 0)
		unit_paths_done(ret);
	return r;
}

void unit_paths_done(struct unit_paths *p)
{
	for (size_t i = 0; i < UNIT_DIRS; i++)
		unit_dir_done(&p->dirs[i]);
}

const struct unit_entry *unit_dir_find(const struct unit_dir *d, const char *name)
{
	union {
		const char *in;
		char *out;
	} key = { .in = name }; /* bsearch() changes nothing */
	const struct unit_entry wanted = { .name = key.out };

	return d->n == 0 ? NULL
			 : bsearch(&wanted, d->entries, d->n, sizeof(*d->entries),
				   unit_entry_compare);
}

static const struct unit_entry *find_entry(const struct unit_paths *p, const char *name,
					   const struct unit_dir **ret_dir)
{
	for (size_t i = 0; i < UNIT_DIRS; i++) {
		const struct unit_entry *e = unit_dir_find(&p->dirs[i], name);

		if (e) {
			*ret_dir = &p->dirs[i];
			return e;
		}
	}
	return NULL;
}

/* ---- names ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *unit_type(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : "";
}

/* "a@.service" of "a@b.service". False: NAME is no instance. */
bool unit_template(const char *name, char *ret, size_t bytes)
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	if (!at || !dot || dot <= at + 1)
		return false;
	return (size_t)snprintf(ret, bytes, "%.*s%s", (int)(at + 1 - name), name, dot) <
	       bytes;
}

/* The instance of NAME, put into the template TARGET ("autovt@tty1" of "getty@.service"). */
static void instantiate(const char *target, const char *name, char *ret, size_t bytes)
{
	const char *at = strchr(target, '@'), *from = strchr(name, '@');
	const char *dot = strrchr(name, '.');

	if (at && at[1] == '.' && from && dot > from + 1)
		snprintf(ret, bytes, "%.*s%.*s%s", (int)(at + 1 - target), target,
			 (int)(dot - from - 1), from + 1, at + 1);
	else
		snprintf(ret, bytes, "%s", target);
}

#define ALIAS_HOPS 8

/*
 * A link to a file of the same name, or of no directory of units, is a file that lies
 * elsewhere; any other makes NAME an alias.
 */
static bool is_alias(const char *entry_name, const char *target)
{
	return strcmp(base_name(target), entry_name) != 0;
}

static void take_file(const struct unit_paths *p, const struct unit_dir *d,
		      const struct unit_entry *e, struct unit_file *f)
{
	f->path[0] = 0;
	if (e->target && e->target[0] == '/') {
		snprintf(f->path, sizeof(f->path), "%s", e->target);
		return;
	}
	/* A relative link of the same name leads to another directory of units. */
	while (e && e->target && ++d < p->dirs + UNIT_DIRS)
		e = unit_dir_find(d, e->name) ?: e;
	if (e && !e->target)
		snprintf(f->path, sizeof(f->path), "%s/%s", d->path, e->name);
}

void unit_paths_find(const struct unit_paths *p, const char *name, struct unit_file *f)
{
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->path[0] = 0;
	for (int hop = 0; hop < ALIAS_HOPS; hop++) {
		char template[UNIT_NAME_BYTES], next[UNIT_NAME_BYTES];
		const struct unit_dir *d;
		const struct unit_entry *e = find_entry(p, f->name, &d);

		if (!e && unit_template(f->name, template, sizeof(template)))
			e = find_entry(p, template, &d);
		if (!e || (e->target && strcmp(e->target, "/dev/null") == 0))
			return;
		if (!e->target || !is_alias(e->name, e->target)) {
			take_file(p, d, e, f);
			return;
		}
		instantiate(base_name(e->target), f->name, next, sizeof(next));
		snprintf(f->name, sizeof(f->name), "%s", next);
	}
}
