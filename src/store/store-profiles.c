/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Profiles as installed: which names there are in /usr/share and /etc, which of two counts,
 * and who may have written them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "hash.h"
#include "io.h"
#include "store-private.h"
#include "vec.h"

#define PROFILES_USR "/usr/share/elfcast/profiles.d"
#define PROFILES_ETC "/etc/elfcast/profiles.d"

const char *store_profile_dir(bool etc)
{
	return etc ? PROFILES_ETC : PROFILES_USR;
}

/* The names that a profile may have; others are no profiles of ours (editors' backups). */
static bool is_profile_name(const char *name)
{
	size_t n = strlen(name);

	return n > strlen(".json") && name[0] != '.' && strcmp(name + n - 5, ".json") == 0;
}

static int check_profile_name(const char *name)
{
	if (strlen(name) > LIMIT_PROFILE_NAME_BYTES)
		return -ENAMETOOLONG;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			return -EINVAL;
	return 0;
}

/* A link to /dev/null or an empty file masks, as with systemd's units. */
static bool is_mask(int dirfd, const char *name, const struct stat *st)
{
	char target[16];
	ssize_t n;

	if (S_ISREG(st->st_mode))
		return st->st_size == 0;
	if (!S_ISLNK(st->st_mode))
		return false;
	n = readlinkat(dirfd, name, target, sizeof(target));
	return n == (ssize_t)strlen("/dev/null") && memcmp(target, "/dev/null", 9) == 0;
}

static int check_profile_stat(const struct store *s, const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return -ELOOP;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	return store_is_trusted(s, st) ? 0 : -EPERM;
}

static int list_entry(const struct store *s, struct profile_list *l, int dirfd,
		      const char *name, bool etc)
{
	struct profile_file f = { .from_etc = etc };
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (l->n >= LIMIT_PROFILE_NAMES)
		return -E2BIG;
	if (VEC_RESERVE_ONE(l->items, l->n, l->capacity) < 0)
		return -ENOMEM;
	f.identity = identity_from_stat(&st);
	f.masked = etc && is_mask(dirfd, name, &st);
	f.error = check_profile_name(name);
	if (f.error == 0 && !f.masked)
		f.error = check_profile_stat(s, &st);
	f.name = strdup(name);
	if (!f.name)
		return -ENOMEM;
	l->items[l->n++] = f;
	return 0;
}

struct list_profiles {
	const struct store *store;
	struct profile_list *list;
	bool etc;
};

static int each_profile(int dirfd, const char *name, void *userdata)
{
	struct list_profiles *c = userdata;

	return is_profile_name(name) ? list_entry(c->store, c->list, dirfd, name, c->etc)
				     : 0;
}

static int list_profile_dir(const struct store *s, bool etc, struct profile_list *l)
{
	_cleanup_close_ int fd = store_open_dir(s, store_profile_dir(etc));
	struct list_profiles c = { s, l, etc };
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0) {
		l->dir_error[etc] = fd < 0 ? fd : -errno;
		return 0;
	}
	if (!store_is_trusted(s, &st)) {
		l->dir_error[etc] = -EPERM;
		return 0;
	}
	return store_for_each_name(TAKE_FD(fd), each_profile, &c);
}

/* By name, /etc before /usr/share. */
static int compare_profile_files(const void *pa, const void *pb)
{
	const struct profile_file *a = pa, *b = pb;
	int c = strcmp(a->name, b->name);

	return c ? c : (int)b->from_etc - (int)a->from_etc;
}

static void drop_overridden(struct profile_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (n > 0 && strcmp(l->items[n - 1].name, l->items[i].name) == 0)
			free(l->items[i].name);
		else
			l->items[n++] = l->items[i];
	}
	l->n = n;
}

/* The last ones by name, so that it does not depend on the order in the directory. */
static void drop_too_many(struct profile_list *l)
{
	while (l->n > LIMIT_PROFILES) {
		struct profile_file *last = &l->items[--l->n];

		l->dir_error[last->from_etc] = -E2BIG;
		free(last->name);
	}
}

int store_list_profiles(const struct store *s, struct profile_list *ret)
{
	struct profile_list l = { 0 };
	int r = list_profile_dir(s, false, &l);

	if (r == 0)
		r = list_profile_dir(s, true, &l);
	if (r < 0) {
		profile_list_done(&l);
		return r;
	}
	if (l.n > 0)
		qsort(l.items, l.n, sizeof(l.items[0]), compare_profile_files);
	drop_overridden(&l);
	drop_too_many(&l);
	*ret = l;
	return 0;
}

#define EMBEDDED "embedded."

bool store_profile_is_embedded(const char *name)
{
	return strncmp(name, EMBEDDED, strlen(EMBEDDED)) == 0;
}

static int open_program(const struct store *s, const char *program, struct stat *ret)
{
	return io_open_path(s->rootfd, program, ret);
}

static int add_embedded(const struct store *s, const char *program, struct profile_list *l)
{
	_cleanup_close_ int fd = -1;
	struct profile_file f = { 0 };
	struct stat st;

	fd = open_program(s, program, &st);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (VEC_RESERVE_ONE(l->items, l->n, l->capacity) < 0)
		return -ENOMEM;
	f.error = fd < 0				       ? fd
		  : strlen(program) > LIMIT_PROFILE_NAME_BYTES ? -ENAMETOOLONG
							       : check_profile_stat(s, &st);
	if (fd >= 0)
		f.identity = identity_from_stat(&st);
	f.program = strdup(program);
	if (!f.program ||
	    asprintf(&f.name, EMBEDDED "%016" PRIx64 ".json", hash_string(program)) < 0) {
		free(f.program);
		return -ENOMEM;
	}
	l->items[l->n++] = f;
	return 0;
}

int store_add_embedded(const struct store *s, const struct name_list *programs,
		       struct profile_list *l)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < programs->n; i++)
		r = add_embedded(s, programs->names[i], l);
	return r;
}

void profile_list_done(struct profile_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].name);
		free(l->items[i].program);
	}
	free(l->items);
	*l = (struct profile_list){ 0 };
}

static int open_embedded(const struct store *s, const char *program)
{
	_cleanup_close_ int path_fd = -1;
	struct stat st;
	int r;

	path_fd = open_program(s, program, &st);
	r = path_fd < 0 ? path_fd : check_profile_stat(s, &st);
	return r < 0 ? r : io_reopen_read(path_fd);
}

static int open_own_file(const struct store *s, const struct profile_file *f)
{
	_cleanup_close_ int dir = store_open_dir(s, store_profile_dir(f->from_etc));
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (dir < 0)
		return dir;
	fd = openat(dir, f->name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = check_profile_stat(s, &st);
	return r < 0 ? r : TAKE_FD(fd);
}

int store_open_profile(const struct store *s, const struct profile_file *f)
{
	return f->program ? open_embedded(s, f->program) : open_own_file(s, f);
}

void store_profile_path(const struct profile_file *f, char *ret, size_t bytes)
{
	if (f->program)
		snprintf(ret, bytes, "%s", f->program);
	else
		snprintf(ret, bytes, "%s/%s", store_profile_dir(f->from_etc), f->name);
}

int store_put_profile(const struct store *s, const char *name, const void *data,
		      size_t bytes)
{
	_cleanup_close_ int dir = store_make_dir(s, PROFILES_ETC);

	return dir < 0 ? dir : store_replace(dir, name, data, bytes, 0644, true);
}

/* The directory at PATH or, where it has to be made, the nearest one above it. */
static int may_write(const struct store *s, const char *path)
{
	char part[128];
	int fd, r;

	snprintf(part, sizeof(part), "%s", path);
	while ((fd = store_open_dir(s, *part ? part : "/")) == -ENOENT && *part)
		*strrchr(part, '/') = 0;
	if (fd < 0)
		return fd;
	r = faccessat(fd, ".", W_OK, AT_EACCESS) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int store_may_put_profiles(const struct store *s)
{
	char state[128], *slash;
	int r = may_write(s, PROFILES_ETC);

	store_path(s, STORE_LAUNCHES, NULL, state, sizeof(state));
	slash = strrchr(state, '/');
	*slash = 0;
	return r < 0 ? r : may_write(s, state);
}

int store_remove_profile(const struct store *s, const char *name)
{
	_cleanup_close_ int dir = store_open_dir(s, PROFILES_ETC);

	if (dir < 0)
		return dir;
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}
