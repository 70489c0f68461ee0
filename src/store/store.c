/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "bounds.h"
#include "clock.h"
#include "io.h"
#include "shadow-read.h"
#include "store-private.h"

#define STATE_VAR     "/var/lib/elfcast"
#define STATE_USR     "/usr/lib/elfcast"
#define RUN	      "/run/elfcast"
#define SETTINGS      "/etc/elfcast"

#define LOCK	      "lock"
#define LAUNCHES_LOCK "launches.lock"
#define DIRTY	      "dirty"

enum directory {
	IN_STATE,   /* what compile makes, in /var or /usr: see store_choose() */
	IN_SHADOWS, /* below it */
	IN_COUNTS,  /* this machine's, wherever its compiled files lie */
	IN_SETTINGS,
	IN_RUN, /* gone at the next boot */
};

static const struct file {
	enum directory directory;
	const char *name; /* NULL: there are many */
	uint32_t limit_bytes;
	enum shadow_kind kind; /* of a container; 0: none */
	bool durable;	       /* nothing can make it again */
	bool trusted;	       /* it and its directory are to be root's alone to write */
} files[] = {
	[STORE_SHADOW] = { IN_SHADOWS, NULL, LIMIT_SHADOW_BYTES, SHADOW_KIND_SHADOW },
	[STORE_INDEX] = { IN_STATE, "index", LIMIT_PACK_BYTES, SHADOW_KIND_INDEX },
	[STORE_PACK] = { IN_STATE, "boot.pack", LIMIT_PACK_BYTES, SHADOW_KIND_PACK },
	[STORE_PLACES] = { IN_STATE, "boot.places", LIMIT_PACK_BYTES, SHADOW_KIND_PLACES },
	[STORE_LAUNCHES] = { IN_COUNTS, "launches", LIMIT_LAUNCHES_BYTES, .durable = true },
	[STORE_UNUSED] = { IN_COUNTS, "unused", LIMIT_LAUNCHES_BYTES },
	[STORE_CONFIG] = { IN_SETTINGS, "elfcast.conf", LIMIT_CONFIG_BYTES,
			   .trusted = true },
	[STORE_BOOT_REPORT] = { IN_RUN, "boot.json", LIMIT_BOOT_REPORT_BYTES },
	[STORE_WATCH] = { IN_RUN, "watch", PAGE_BYTES },
};

static const char *directory_path(const struct store *s, enum directory d)
{
	static const char *const paths[] = {
		[IN_STATE] = STATE_VAR,	 [IN_SHADOWS] = STATE_VAR "/shadow",
		[IN_COUNTS] = STATE_VAR, [IN_SETTINGS] = SETTINGS,
		[IN_RUN] = RUN,
	};

	if (s->usr && d == IN_STATE)
		return STATE_USR;
	if (s->usr && d == IN_SHADOWS)
		return STATE_USR "/shadow";
	return paths[d];
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

static bool has_index(const struct store *s, const char *state)
{
	_cleanup_close_ int dir = store_open_dir(s, state);

	return dir >= 0 &&
	       faccessat(dir, files[STORE_INDEX].name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
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

/* ---- directories ---- */

/* What lies in a directory that is none is not there. */
static int open_directory(const struct store *s, enum directory d)
{
	int fd = store_open_dir(s, directory_path(s, d));

	return fd == -ENOTDIR ? -ENOENT : fd;
}

/* Without a /run nothing would take away what is put there. */
static int make_directory(const struct store *s, enum directory d)
{
	_cleanup_close_ int run = d == IN_RUN ? store_open_dir(s, "/run") : -1;
	int fd;

	if (d == IN_RUN && run < 0)
		return run;
	fd = store_open_dir(s, directory_path(s, d));
	return fd == -ENOENT ? store_make_dir(s, directory_path(s, d)) : fd;
}

int store_open_shadows(const struct store *s)
{
	return open_directory(s, IN_SHADOWS);
}

int store_open_state(const struct store *s)
{
	return open_directory(s, IN_COUNTS);
}

int store_open_run(const struct store *s)
{
	return make_directory(s, IN_RUN);
}

/* ---- files ---- */

static bool is_trusted(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && store_is_trusted(&st);
}

static bool is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

const char *store_name(enum store_file file)
{
	return files[file].name;
}

void store_path(const struct store *s, enum store_file file, const char *name, char *ret,
		size_t bytes)
{
	snprintf(ret, bytes, "%s/%s", directory_path(s, files[file].directory),
		 name ? name : files[file].name);
}

const char *store_config_path(void)
{
	return SETTINGS "/elfcast.conf";
}

int store_read(const struct store *s, enum store_file file, const char *name, uint8_t **ret,
	       size_t *ret_bytes)
{
	const struct file *f = &files[file];
	_cleanup_close_ int dir = open_directory(s, f->directory), fd = -1;

	if (dir < 0)
		return dir;
	fd = f->trusted && !is_trusted(dir) ? -EPERM
					    : store_open_file(dir, name ? name : f->name);
	if (fd >= 0 && f->trusted && is_regular(fd) && !is_trusted(fd))
		return -EPERM;
	return fd < 0 ? fd : io_read_file(fd, f->limit_bytes, (char **)ret, ret_bytes);
}

int store_load(const struct store *s, enum store_file file, const char *name,
	       struct shadow_buffer *ret)
{
	uint8_t *data;
	size_t bytes;
	int r = store_read(s, file, name, &data, &bytes);

	return r < 0 ? r : shadow_buffer_parse(data, bytes, files[file].kind, ret);
}

int store_stat(const struct store *s, enum store_file file, const char *name,
	       struct identity *ret)
{
	_cleanup_close_ int dir = open_directory(s, files[file].directory);
	struct stat st;

	if (dir < 0)
		return dir;
	if (fstatat(dir, name ? name : files[file].name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*ret = identity_from_stat(&st);
	return 0;
}

static bool has_bytes(const struct store *s, enum store_file file, const char *name,
		      const void *data, size_t bytes)
{
	_cleanup_free_ uint8_t *old = NULL;
	size_t old_bytes;

	return store_read(s, file, name, &old, &old_bytes) == 0 && old_bytes == bytes &&
	       memcmp(old, data, bytes) == 0;
}

int store_put(const struct store *s, enum store_file file, const char *name,
	      const void *data, size_t bytes, bool *ret_written)
{
	const struct file *f = &files[file];
	_cleanup_close_ int dir = -1;
	int r;

	if (has_bytes(s, file, name, data, bytes)) {
		*ret_written = false;
		return 0;
	}
	dir = make_directory(s, f->directory);
	if (dir < 0)
		return dir;
	r = store_replace(dir, name ? name : f->name, data, bytes, 0644, f->durable);
	if (r == 0)
		*ret_written = true;
	return r;
}

int store_remove(const struct store *s, enum store_file file, const char *name,
		 bool *ret_removed)
{
	_cleanup_close_ int dir = open_directory(s, files[file].directory);
	int r = dir < 0 ? dir : 0;

	if (r == 0 && unlinkat(dir, name ? name : files[file].name, 0) < 0)
		r = -errno;
	*ret_removed = r == 0;
	return r == -ENOENT ? 0 : r;
}

/* ".HASH.NAME.shadow.new": nothing else there begins with a dot. */
static int remove_hidden(int dir, const char *name, _unused_ void *userdata)
{
	return name[0] == '.' && unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int store_remove_leftovers(const struct store *s)
{
	_cleanup_close_ int dir = open_directory(s, IN_STATE);
	int shadows = open_directory(s, IN_SHADOWS), r = 0;

	if (shadows >= 0)
		r = store_for_each_name(shadows, remove_hidden, NULL);
	for (size_t i = 0; r == 0 && dir >= 0 && i < ARRAY_SIZE(files); i++)
		if (files[i].directory == IN_STATE)
			r = store_remove_temporary(dir, files[i].name);
	return r;
}

/* ---- locks ---- */

static int lock_file(const struct store *s, enum directory d, const char *name,
		     unsigned timeout_ms)
{
	_cleanup_close_ int dir = make_directory(s, d), fd = -1;

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
		clock_sleep_ms(20);
	}
	return TAKE_FD(fd);
}

const char *store_launches_lock_name(void)
{
	return LAUNCHES_LOCK;
}

int store_lock(const struct store *s, unsigned timeout_ms)
{
	return lock_file(s, IN_STATE, LOCK, timeout_ms);
}

int store_lock_launches(const struct store *s, unsigned timeout_ms)
{
	return lock_file(s, IN_COUNTS, LAUNCHES_LOCK, timeout_ms);
}

int store_mark_dirty(const struct store *s)
{
	_cleanup_close_ int dir = open_directory(s, IN_STATE), fd = -1;

	if (dir < 0)
		return dir;
	fd = openat(dir, DIRTY, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : 0;
}

bool store_take_dirty(const struct store *s)
{
	_cleanup_close_ int dir = open_directory(s, IN_STATE);

	return dir >= 0 && unlinkat(dir, DIRTY, 0) == 0;
}

bool store_is_dirty(const struct store *s)
{
	_cleanup_close_ int dir = open_directory(s, IN_STATE);

	return dir >= 0 && faccessat(dir, DIRTY, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
