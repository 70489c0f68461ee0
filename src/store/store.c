/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "hash.h"
#include "io.h"
#include "bounds.h"
#include "store.h"
#include "vec.h"

#define PROFILES_USR	   "/usr/share/elfcast/profiles.d"
#define PROFILES_ETC	   "/etc/elfcast/profiles.d"
#define CONFIG_DIR	   "/etc/elfcast"
#define CONFIG		   "elfcast.conf"
#define STATE_VAR	   "/var/lib/elfcast"
#define STATE_USR	   "/usr/lib/elfcast"
#define SHADOWS		   "shadow" /* below the state directory */
#define INDEX		   "index"
#define PACK		   "boot.pack"
#define RUN		   "/run/elfcast"
#define BOOT_REPORT	   "boot.json"
#define PLACES		   "boot.places"
#define LOCK		   "lock"
#define DIRTY		   "dirty"
/* One name is enough: there is one writer, which holds the lock. */
#define TEMPORARY	   ".new"

/* These have another lock, and so a temporary file of their own. */
#define LAUNCHES	   "launches"
#define UNUSED		   "unused"
#define UNUSED_TEMPORARY   ".unused.new"
#define LAUNCHES_LOCK	   "launches.lock"
#define LAUNCHES_TEMPORARY ".launches.new"

#define RUN		   "/run/elfcast"
#define WATCH		   "watch"
#define WATCH_TEMPORARY	   ".watch.new"

const char *store_profile_dir(bool etc)
{
	return etc ? PROFILES_ETC : PROFILES_USR;
}

static const char *state_path(const struct store *s)
{
	return s->usr ? STATE_USR : STATE_VAR;
}

int store_open(const char *root, bool usr, struct store *ret)
{
	_cleanup_close_ int fd = io_open_root(root);
	char *path;

	if (fd < 0)
		return fd;
	path = realpath(root && *root ? root : "/", NULL);
	if (!path)
		return -errno;
	*ret = (struct store){ .rootfd = TAKE_FD(fd), .root_path = path, .usr = usr };
	return 0;
}

void store_done(struct store *s)
{
	if (s->root_path) {
		free(s->root_path);
		close(s->rootfd);
	}
	*s = (struct store){ .rootfd = -1 };
}

bool store_is_state(const char *path)
{
	static const char *const dirs[] = { STATE_VAR "/", STATE_USR "/" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (strncmp(path, dirs[i], strlen(dirs[i])) == 0)
			return true;
	return false;
}

/* Below DIRFD, whose links cannot lead out of it. Links are followed: /var may be one. */
static int open_below(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int open_dir(const struct store *s, const char *path)
{
	return open_below(s->rootfd, path, O_RDONLY | O_DIRECTORY);
}

/* As mkdir -p and open, one component at a time so that links cannot lead out. */
static int make_dir(const struct store *s, const char *path)
{
	char part[128];
	int fd;

	for (const char *end = path; *end;) {
		_cleanup_close_ int parent = -1;
		const char *start = end + 1;

		snprintf(part, sizeof(part), "%.*s/", (int)(end - path), path);
		parent = open_dir(s, part);
		if (parent < 0)
			return parent;
		end = strchrnul(start, '/');
		snprintf(part, sizeof(part), "%.*s", (int)(end - start), start);
		if (mkdirat(parent, part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	fd = open_dir(s, path);
	return fd;
}

static int open_or_make_dir(const struct store *s, const char *path, bool make)
{
	int fd = open_dir(s, path);

	return fd == -ENOENT && make ? make_dir(s, path) : fd;
}

/* Of compiled files. */
static int open_state_dir(const struct store *s, const char *sub, bool make)
{
	char path[64];

	snprintf(path, sizeof(path), "%s%s%s", state_path(s), *sub ? "/" : "", sub);
	return open_or_make_dir(s, path, make);
}

static bool has_index(const struct store *s, const char *state)
{
	_cleanup_close_ int dir = open_dir(s, state);

	return dir >= 0 && faccessat(dir, INDEX, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void store_choose(struct store *s)
{
	s->usr = !has_index(s, STATE_VAR) && has_index(s, STATE_USR);
}

int store_open_compiled(const char *root, struct store *ret)
{
	int r = store_open(root, false, ret);

	if (r == 0)
		store_choose(ret);
	return r;
}

/* What root reads and trusts must not be somebody else's to write. */
static bool is_trusted(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) &&
	       (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
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

static int check_profile_stat(const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return -ELOOP;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	return is_trusted(st) ? 0 : -EPERM;
}

static int list_entry(struct profile_list *l, int dirfd, const char *name, bool etc)
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
		f.error = check_profile_stat(&st);
	f.name = strdup(name);
	if (!f.name)
		return -ENOMEM;
	l->items[l->n++] = f;
	return 0;
}

/* Calls EACH for every name but "." and ".."; takes DIRFD. */
static int for_each_name(int dirfd,
			 int (*each)(int dirfd, const char *name, void *userdata),
			 void *userdata)
{
	DIR *d = fdopendir(dirfd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		r = -errno;
		close(dirfd);
		return r;
	}
	while (r == 0 && (errno = 0, e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = each(dirfd, e->d_name, userdata);
	if (r == 0 && errno)
		r = -errno;
	closedir(d);
	return r;
}

struct list_profiles {
	struct profile_list *list;
	bool etc;
};

static int each_profile(int dirfd, const char *name, void *userdata)
{
	struct list_profiles *c = userdata;

	return is_profile_name(name) ? list_entry(c->list, dirfd, name, c->etc) : 0;
}

static int list_profile_dir(const struct store *s, bool etc, struct profile_list *l)
{
	_cleanup_close_ int fd = open_dir(s, store_profile_dir(etc));
	struct list_profiles c = { .list = l, .etc = etc };
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0) {
		l->dir_error[etc] = fd < 0 ? fd : -errno;
		return 0;
	}
	if (!is_trusted(&st)) {
		l->dir_error[etc] = -EPERM;
		return 0;
	}
	return for_each_name(TAKE_FD(fd), each_profile, &c);
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

void profile_list_done(struct profile_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].name);
	free(l->items);
	*l = (struct profile_list){ 0 };
}

int store_open_profile(const struct store *s, const struct profile_file *f)
{
	_cleanup_close_ int dir = open_dir(s, store_profile_dir(f->from_etc));
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (dir < 0)
		return dir;
	fd = openat(dir, f->name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = check_profile_stat(&st);
	return r < 0 ? r : TAKE_FD(fd);
}

void store_profile_path(const struct profile_file *f, char *ret, size_t bytes)
{
	snprintf(ret, bytes, "%s/%s", store_profile_dir(f->from_etc), f->name);
}

enum { HASH_CHARS = 16 };

static void program_hash(const char *program, char ret[static HASH_CHARS + 1])
{
	snprintf(ret, HASH_CHARS + 1, "%016llx", (unsigned long long)hash_string(program));
}

char *store_shadow_name(const char *program, const char *profile_name)
{
	char hash[HASH_CHARS + 1], *name;

	program_hash(program, hash);
	return asprintf(&name, "%s.%s.shadow", hash, profile_name) < 0 ? NULL : name;
}

char *store_shadow_profile(const char *shadow_name)
{
	size_t n = strlen(shadow_name), head = HASH_CHARS + 1, tail = strlen(".shadow");

	return n > head + tail ? strndup(shadow_name + head, n - head - tail) : strdup("");
}

bool store_shadow_is_of(const char *shadow_name, const char *program)
{
	char hash[HASH_CHARS + 1];

	program_hash(program, hash);
	return strncmp(shadow_name, hash, HASH_CHARS) == 0 &&
	       shadow_name[HASH_CHARS] == '.';
}

void store_shadow_path(const struct store *s, const char *name, char *ret, size_t bytes)
{
	snprintf(ret, bytes, "%s/%s/%s", state_path(s), SHADOWS, name);
}

static int each_shadow(_unused_ int dirfd, const char *name, void *userdata)
{
	struct name_list *l = userdata;

	return name[0] == '.' ? 0 : name_list_add(l, name);
}

int store_list_shadows(const struct store *s, struct name_list *ret)
{
	int fd = open_state_dir(s, SHADOWS, false), r;
	struct name_list l = { 0 };

	r = fd == -ENOENT ? 0 : fd < 0 ? fd : for_each_name(fd, each_shadow, &l);
	if (r < 0) {
		name_list_done(&l);
		return r;
	}
	name_list_sort(&l);
	*ret = l;
	return 0;
}

bool store_has_shadow(const struct name_list *shadows, const char *profile_name)
{
	size_t n = strlen(profile_name);

	for (size_t i = 0; i < shadows->n; i++) {
		const char *p = strchr(shadows->names[i], '.'); /* behind the hash */

		if (p && strncmp(p + 1, profile_name, n) == 0 &&
		    strcmp(p + 1 + n, ".shadow") == 0)
			return true;
	}
	return false;
}

static int read_from(int dir, const char *name, size_t limit, uint8_t **ret,
		     size_t *ret_bytes)
{
	_cleanup_close_ int fd = -1;
	char *data;
	int r;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = io_read_file(fd, limit, &data, ret_bytes);
	if (r == 0)
		*ret = (uint8_t *)data;
	return r;
}

/* Counts are this machine's, wherever its compiled files lie. */
static int read_var(const struct store *s, const char *name, size_t limit, uint8_t **ret,
		    size_t *ret_bytes)
{
	_cleanup_close_ int dir = open_dir(s, STATE_VAR);

	return dir < 0 ? dir : read_from(dir, name, limit, ret, ret_bytes);
}

static int read_state(const struct store *s, const char *sub, const char *name,
		      size_t limit, uint8_t **ret, size_t *ret_bytes)
{
	_cleanup_close_ int dir = open_state_dir(s, sub, false);

	return dir < 0 ? dir : read_from(dir, name, limit, ret, ret_bytes);
}

int store_read_shadow(const struct store *s, const char *name, uint8_t **ret,
		      size_t *ret_bytes)
{
	return read_state(s, SHADOWS, name, LIMIT_SHADOW_BYTES, ret, ret_bytes);
}

int store_read_index(const struct store *s, uint8_t **ret, size_t *ret_bytes)
{
	return read_state(s, "", INDEX, LIMIT_PACK_BYTES, ret, ret_bytes);
}

static int stat_state(const struct store *s, const char *sub, const char *name,
		      struct identity *ret)
{
	_cleanup_close_ int dir = open_state_dir(s, sub, false);
	struct stat st;

	if (dir < 0)
		return dir;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret = identity_from_stat(&st);
	return 0;
}

int store_stat_shadow(const struct store *s, const char *name, struct identity *ret)
{
	return stat_state(s, SHADOWS, name, ret);
}

static int write_temporary(int dir, const char *temporary, const void *data, size_t bytes,
			   bool sync)
{
	int fd, r;

	unlinkat(dir, temporary, 0);
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0644);
	if (fd < 0)
		return -errno;
	r = io_write_full(fd, data, bytes);
	if (r == 0 && fchmod(fd, 0644) < 0)
		r = -errno;
	if (r == 0 && sync && fsync(fd) < 0)
		r = -errno;
	/* Some file systems report a full disk only here. */
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

static int replace_by(int dir, const char *temporary, const char *name, const void *data,
		      size_t bytes, bool sync)
{
	int r = write_temporary(dir, temporary, data, bytes, sync);

	if (r == 0 && renameat(dir, temporary, dir, name) < 0)
		r = -errno;
	if (r == 0 && sync && fsync(dir) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, temporary, 0);
	return r;
}

static int replace_file(int dir, const char *name, const void *data, size_t bytes,
			bool sync)
{
	return replace_by(dir, TEMPORARY, name, data, bytes, sync);
}

static bool has_bytes(const struct store *s, const char *sub, const char *name,
		      const void *data, size_t bytes)
{
	_cleanup_free_ uint8_t *old = NULL;
	size_t old_bytes;

	return read_state(s, sub, name, bytes, &old, &old_bytes) == 0 &&
	       old_bytes == bytes && memcmp(old, data, bytes) == 0;
}

/* Unless the file has these bytes already. */
static int put_state(const struct store *s, const char *sub, const char *name,
		     const void *data, size_t bytes, bool *ret_written)
{
	_cleanup_close_ int dir = -1;
	int r;

	if (has_bytes(s, sub, name, data, bytes)) {
		*ret_written = false;
		return 0;
	}
	dir = open_state_dir(s, sub, true);
	if (dir < 0)
		return dir;
	r = replace_file(dir, name, data, bytes, false);
	if (r == 0)
		*ret_written = true;
	return r;
}

int store_put_shadow(const struct store *s, const char *name, const void *data,
		     size_t bytes, bool *ret_written)
{
	return put_state(s, SHADOWS, name, data, bytes, ret_written);
}

int store_read_pack(const struct store *s, uint8_t **ret, size_t *ret_bytes)
{
	return read_state(s, "", PACK, LIMIT_PACK_BYTES, ret, ret_bytes);
}

int store_put_pack(const struct store *s, const void *data, size_t bytes, bool *ret_written)
{
	return put_state(s, "", PACK, data, bytes, ret_written);
}

int store_stat_pack(const struct store *s, struct identity *ret)
{
	return stat_state(s, "", PACK, ret);
}

int store_remove_pack(const struct store *s, bool *ret_removed)
{
	_cleanup_close_ int dir = open_state_dir(s, "", false);
	int r = dir < 0 ? dir : unlinkat(dir, PACK, 0) < 0 ? -errno : 0;

	*ret_removed = r == 0;
	return r == -ENOENT ? 0 : r;
}

void store_pack_path(const struct store *s, char *ret, size_t bytes)
{
	snprintf(ret, bytes, "%s/%s", state_path(s), PACK);
}

int store_put_index(const struct store *s, const void *data, size_t bytes)
{
	_cleanup_close_ int dir = open_state_dir(s, "", true);

	return dir < 0 ? dir : replace_file(dir, INDEX, data, bytes, false);
}

int store_read_config(const struct store *s, char **ret, size_t *ret_bytes)
{
	_cleanup_close_ int dir = open_dir(s, CONFIG_DIR), fd = -1;
	struct stat st;

	if (dir < 0)
		return dir;
	if (fstat(dir, &st) < 0)
		return -errno;
	if (!is_trusted(&st))
		return -EPERM;
	fd = openat(dir, CONFIG, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) && !is_trusted(&st))
		return -EPERM;
	return io_read_file(fd, LIMIT_CONFIG_BYTES, ret, ret_bytes);
}

int store_stat_config(const struct store *s, struct identity *ret)
{
	_cleanup_close_ int dir = open_dir(s, CONFIG_DIR);
	struct stat st;

	if (dir < 0)
		return dir;
	if (fstatat(dir, CONFIG, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*ret = identity_from_stat(&st);
	return 0;
}

const char *store_config_path(void)
{
	return CONFIG_DIR "/" CONFIG;
}

int store_read_launches(const struct store *s, uint8_t **ret, size_t *ret_bytes)
{
	return read_var(s, LAUNCHES, LIMIT_LAUNCHES_BYTES, ret, ret_bytes);
}

int store_read_unused(const struct store *s, uint8_t **ret, size_t *ret_bytes)
{
	return read_var(s, UNUSED, LIMIT_LAUNCHES_BYTES, ret, ret_bytes);
}

int store_put_unused(const struct store *s, const void *data, size_t bytes)
{
	_cleanup_close_ int dir = open_or_make_dir(s, STATE_VAR, true);

	return dir < 0 ? dir
		       : replace_by(dir, UNUSED_TEMPORARY, UNUSED, data, bytes, false);
}

int store_put_launches(const struct store *s, const void *data, size_t bytes)
{
	_cleanup_close_ int dir = open_or_make_dir(s, STATE_VAR, true);

	return dir < 0 ? dir
		       : replace_by(dir, LAUNCHES_TEMPORARY, LAUNCHES, data, bytes, true);
}

int store_put_boot_report(const struct store *s, const void *data, size_t bytes)
{
	_cleanup_close_ int run = open_dir(s, "/run"), dir = -1;

	/* Not made: without one, this would be a file that stays. */
	if (run < 0)
		return run;
	dir = make_dir(s, RUN);
	return dir < 0 ? dir : replace_file(dir, BOOT_REPORT, data, bytes, false);
}

int store_read_boot_report(const struct store *s, char **ret, size_t *ret_bytes)
{
	_cleanup_close_ int dir = open_dir(s, RUN), fd = -1;

	if (dir < 0)
		return dir;
	fd = openat(dir, BOOT_REPORT,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : io_read_file(fd, LIMIT_BOOT_REPORT_BYTES, ret, ret_bytes);
}

int store_read_places(const struct store *s, uint8_t **ret, size_t *ret_bytes)
{
	return read_state(s, "", PLACES, LIMIT_PACK_BYTES, ret, ret_bytes);
}

int store_put_places(const struct store *s, const void *data, size_t bytes)
{
	bool written;

	return put_state(s, "", PLACES, data, bytes, &written);
}

int store_remove_places(const struct store *s)
{
	_cleanup_close_ int dir = open_state_dir(s, "", false);

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	return unlinkat(dir, PLACES, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int store_read_watch(const struct store *s, uint8_t **ret, size_t *ret_bytes)
{
	_cleanup_close_ int dir = open_dir(s, RUN);

	return dir < 0 ? dir : read_from(dir, WATCH, PAGE_BYTES, ret, ret_bytes);
}

int store_open_run(const struct store *s)
{
	return make_dir(s, RUN);
}

int store_put_watch(const struct store *s, const void *data, size_t bytes)
{
	_cleanup_close_ int dir = make_dir(s, RUN);

	return dir < 0 ? dir : replace_by(dir, WATCH_TEMPORARY, WATCH, data, bytes, false);
}

int store_put_profile(const struct store *s, const char *name, const void *data,
		      size_t bytes)
{
	_cleanup_close_ int dir = make_dir(s, PROFILES_ETC);

	return dir < 0 ? dir : replace_file(dir, name, data, bytes, true);
}

int store_remove_shadow(const struct store *s, const char *name)
{
	_cleanup_close_ int dir = open_state_dir(s, SHADOWS, false);

	if (dir < 0)
		return dir;
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

int store_remove_leftovers(const struct store *s)
{
	static const char *const subs[] = { "", SHADOWS };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(subs); i++) {
		_cleanup_close_ int dir = open_state_dir(s, subs[i], false);

		if (dir >= 0 && unlinkat(dir, TEMPORARY, 0) < 0 && errno != ENOENT)
			r = -errno;
	}
	return r;
}

static void wait_20_ms(void)
{
	const struct timespec t = { .tv_nsec = 20 * 1000 * 1000 };

	nanosleep(&t, NULL);
}

static int lock_file(const struct store *s, const char *state, const char *name,
		     unsigned timeout_ms)
{
	_cleanup_close_ int dir = open_or_make_dir(s, state, true), fd = -1;

	if (dir < 0)
		return dir;
	/* Not for writing: elfcastd would keep /var from being remounted read-only. */
	fd = openat(dir, name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* flock(2) has no time-out of its own, and SIGALRM would not be ours to take. */
	for (unsigned waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited_ms += 20) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (waited_ms >= timeout_ms)
			return -EBUSY;
		wait_20_ms();
	}
	return TAKE_FD(fd);
}

int store_open_state(const struct store *s)
{
	return open_dir(s, STATE_VAR);
}

const char *store_launches_lock_name(void)
{
	return LAUNCHES_LOCK;
}

const char *store_index_name(void)
{
	return INDEX;
}

int store_lock(const struct store *s, unsigned timeout_ms)
{
	return lock_file(s, state_path(s), LOCK, timeout_ms);
}

int store_lock_launches(const struct store *s, unsigned timeout_ms)
{
	return lock_file(s, STATE_VAR, LAUNCHES_LOCK, timeout_ms);
}

int store_mark_dirty(const struct store *s)
{
	_cleanup_close_ int dir = open_state_dir(s, "", false), fd = -1;

	if (dir < 0)
		return dir;
	fd = openat(dir, DIRTY, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : 0;
}

bool store_take_dirty(const struct store *s)
{
	_cleanup_close_ int dir = open_state_dir(s, "", false);

	return dir >= 0 && unlinkat(dir, DIRTY, 0) == 0;
}

bool store_is_dirty(const struct store *s)
{
	_cleanup_close_ int dir = open_state_dir(s, "", false);

	return dir >= 0 && faccessat(dir, DIRTY, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
