/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two tables say what is ours: directories (where, whose, what mode), and files (in which
 * directory, under which name, at most how large, how durable). Each function takes an index of
 * these, so that no other file builds a path.
 */
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
#define SHADOWS	      "shadow"
#define LAUNCHES_LOCK "launches.lock"
#define BOOTS_LOCK    "boots.lock"
#define PROFILES_LOCK "profiles.lock"
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
	mode_t mode;	       /* 0: everybody reads it */
} files[] = {
	[STORE_SHADOW] = { IN_SHADOWS, NULL, LIMIT_SHADOW_BYTES, SHADOW_KIND_SHADOW },
	[STORE_INDEX] = { IN_STATE, "index", LIMIT_PACK_BYTES, SHADOW_KIND_INDEX },
	[STORE_PACK] = { IN_STATE, "boot.pack", LIMIT_PACK_BYTES, SHADOW_KIND_PACK },
	[STORE_BUNDLE] = { IN_STATE, "exec.bundle", LIMIT_BUNDLE_BYTES,
			   SHADOW_KIND_BUNDLE },
	[STORE_PLACES] = { IN_STATE, "boot.places", LIMIT_PACK_BYTES, SHADOW_KIND_PLACES },
	[STORE_OWN] = { IN_COUNTS, "boot.own", LIMIT_PACK_BYTES, SHADOW_KIND_OWN,
			.mode = 0600 },
	[STORE_BLOCKS] = { IN_COUNTS, "boot.blocks", LIMIT_PACK_BYTES, SHADOW_KIND_PLACES,
			   .mode = 0600 },
	[STORE_LAUNCHES] = { IN_COUNTS, "launches", LIMIT_LAUNCHES_BYTES, .durable = true,
			     .mode = 0640 },
	[STORE_LAUNCH_TIMES] = { IN_COUNTS, "launch-times", LIMIT_LAUNCH_TIMES_BYTES,
				 .durable = true, .mode = 0640 },
	[STORE_BOOTS] = { IN_COUNTS, "boots", LIMIT_BOOTS_BYTES, .durable = true },
	[STORE_CONFIG] = { IN_SETTINGS, "elfcast.conf", LIMIT_CONFIG_BYTES },
	[STORE_DISABLED] = { IN_SETTINGS, "disabled.conf", LIMIT_CONFIG_BYTES,
			     .durable = true },
	[STORE_BOOT_REPORT] = { IN_RUN, "boot.json", LIMIT_BOOT_REPORT_BYTES },
	[STORE_BOOT_EARLY] = { IN_RUN, "boot.early", LIMIT_BOOT_REPORT_BYTES },
	[STORE_PACK_READ] = { IN_RUN, "boot.pack", LIMIT_PACK_BYTES, SHADOW_KIND_PACK },
	[STORE_WATCH] = { IN_RUN, "watch", PAGE_BYTES },
	[STORE_LAUNCHED] = { IN_RUN, "launched", LIMIT_LAUNCHED_BYTES, .mode = 0640 },
	[STORE_TRAINING] = { IN_COUNTS, "boot.training", PAGE_BYTES, .durable = true },
	[STORE_TRAIN_NEXT] = { IN_COUNTS, "boot.train", PAGE_BYTES },
};

static const char *directory_path(const struct store *s, enum directory d)
{
	static const char *const paths[] = {
		[IN_STATE] = STATE_VAR,	 [IN_SHADOWS] = STATE_VAR "/" SHADOWS,
		[IN_COUNTS] = STATE_VAR, [IN_SETTINGS] = SETTINGS,
		[IN_RUN] = RUN,
	};

	if (s->usr && d == IN_STATE)
		return STATE_USR;
	if (s->usr && d == IN_SHADOWS)
		return STATE_USR "/" SHADOWS;
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
	*ret = (struct store){
		.rootfd = TAKE_FD(fd), .root_path = path, .usr = usr, .owner = geteuid()
	};
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

static void (*on_notice)(const char *path, const char *what);

void store_set_notice(void (*notice)(const char *path, const char *what))
{
	on_notice = notice;
}

/* NAME "": the directory. What is wrong with settings config.c says. */
static void tell(const struct store *s, enum directory d, const char *name,
		 const char *what)
{
	char path[512];

	if (!on_notice || d == IN_SETTINGS)
		return;
	snprintf(path, sizeof(path), "%s%s%s", directory_path(s, d), *name ? "/" : "",
		 name);
	on_notice(path, what);
}

static int check_trust(const struct store *s, enum directory d, const char *name, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (store_is_trusted(s, &st))
		return 0;
	tell(s, d, name, "not root's, or others may write it: not used");
	return -EPERM;
}

/* Takes FD, of directory D. */
static int trusted_directory(const struct store *s, enum directory d, int fd)
{
	int r = fd < 0 ? fd : check_trust(s, d, "", fd);

	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

/* What lies in a directory that is none is not there. */
static int open_directory(const struct store *s, enum directory d)
{
	int fd = store_open_dir(s, directory_path(s, d));

	return fd == -ENOTDIR ? -ENOENT : trusted_directory(s, d, fd);
}

/* Room for a file of ours in DIR. 1: something was taken away. */
static int make_room(const struct store *s, enum directory d, int dir, const char *name)
{
	int r = store_clear(dir, name);

	if (r != 0)
		tell(s, d, name,
		     r > 0 ? "no regular file: taken away"
			   : "no regular file, and cannot be taken away");
	return r;
}

/* Something else lies where the shadows should. */
static int clear_shadows(const struct store *s)
{
	_cleanup_close_ int dir = open_directory(s, IN_STATE);

	if (dir < 0)
		return dir;
	tell(s, IN_SHADOWS, "", "no directory: taken away");
	return unlinkat(dir, SHADOWS, 0) < 0 ? -errno : 0;
}

/* Without a /run nothing would take away what is put there. */
static int make_directory(const struct store *s, enum directory d)
{
	_cleanup_close_ int run = d == IN_RUN ? store_open_dir(s, "/run") : -1;
	const char *path = directory_path(s, d);
	int fd;

	if (d == IN_RUN && run < 0)
		return run;
	fd = store_open_dir(s, path);
	if (fd == -ENOENT)
		fd = store_make_dir(s, path);
	if ((fd == -ENOTDIR || fd == -ENOENT) && d == IN_SHADOWS && clear_shadows(s) == 0)
		fd = store_make_dir(s, path);
	return trusted_directory(s, d, fd);
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

const char *store_shadows_path(bool usr)
{
	return usr ? STATE_USR "/" SHADOWS : STATE_VAR "/" SHADOWS;
}

static int read_regular(const struct store *s, const struct file *f, const char *name,
			int fd, uint8_t **ret, size_t *ret_bytes)
{
	int r;

	if (!is_regular(fd)) {
		tell(s, f->directory, name, "no regular file: not used");
		return -EINVAL;
	}
	r = check_trust(s, f->directory, name, fd);
	return r < 0 ? r : io_read_file(fd, f->limit_bytes, (char **)ret, ret_bytes);
}

int store_read(const struct store *s, enum store_file file, const char *name, uint8_t **ret,
	       size_t *ret_bytes)
{
	const struct file *f = &files[file];
	_cleanup_close_ int dir = open_directory(s, f->directory), fd = -1;

	if (dir < 0)
		return dir;
	if (!name)
		name = f->name;
	fd = store_open_file(dir, name);
	return fd < 0 ? fd : read_regular(s, f, name, fd, ret, ret_bytes);
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

static int replace(const struct store *s, const struct file *f, int dir, const char *name,
		   const void *data, size_t bytes)
{
	char temporary[TEMPORARY_BYTES];
	int r;

	store_temporary_name(name, temporary);
	r = make_room(s, f->directory, dir, temporary);
	if (r >= 0)
		r = make_room(s, f->directory, dir, name);
	return r < 0 ? r
		     : store_replace(dir, name, data, bytes, f->mode ? f->mode : 0644,
				     f->durable);
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
	r = replace(s, f, dir, name ? name : f->name, data, bytes);
	if (r == 0)
		*ret_written = true;
	return r;
}

/* 1: it was there, whatever it was; 0: it was not. */
static int remove_from(const struct store *s, enum directory d, int dir, const char *name)
{
	int r = make_room(s, d, dir, name);

	if (r != 0)
		return r;
	return unlinkat(dir, name, 0) == 0 ? 1 : errno == ENOENT ? 0 : -errno;
}

int store_remove(const struct store *s, enum store_file file, const char *name,
		 bool *ret_removed)
{
	const struct file *f = &files[file];
	_cleanup_close_ int dir = open_directory(s, f->directory);
	int r = dir < 0 ? dir : remove_from(s, f->directory, dir, name ? name : f->name);

	*ret_removed = r > 0;
	return r > 0 || r == -ENOENT ? 0 : r;
}

/* ".HASH.NAME.shadow.new" */
static int remove_temporary(int dir, const char *name, void *userdata)
{
	const char *end = strrchr(name, '.');
	int r = 0;

	if (name[0] == '.' && strcmp(end, ".new") == 0)
		r = remove_from(userdata, IN_SHADOWS, dir, name);
	return MIN(r, 0);
}

int store_remove_leftovers(const struct store *s)
{
	_cleanup_close_ int dir = open_directory(s, IN_STATE);
	int shadows = open_directory(s, IN_SHADOWS), r = 0;
	char temporary[TEMPORARY_BYTES];

	if (shadows >= 0)
		r = store_for_each_name(shadows, remove_temporary, (void *)(uintptr_t)s);
	for (size_t i = 0; r >= 0 && dir >= 0 && i < ARRAY_SIZE(files); i++) {
		if (files[i].directory != IN_STATE)
			continue;
		store_temporary_name(files[i].name, temporary);
		r = remove_from(s, IN_STATE, dir, temporary);
	}
	return MIN(r, 0);
}

/* ---- locks ---- */

/* Not for writing: elfcastd would keep /var from being remounted read-only. */
static int open_lock(const struct store *s, enum directory d, int dir, const char *name)
{
	int fd = -1, r = 0;

	for (int tries = 0; r >= 0 && tries < 2; tries++) {
		fd = openat(dir, name,
			    O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				    O_CLOEXEC,
			    0600);
		if (fd >= 0 && is_regular(fd))
			return fd;
		r = fd < 0 ? -errno : -EINVAL;
		if (fd >= 0)
			close(fd);
		if (make_room(s, d, dir, name) > 0)
			r = 0;
	}
	return r;
}

/* It may have been taken away, and another be there, while it was waited for. */
static bool is_still(int dir, const char *name, int fd)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 &&
	       fstatat(dir, name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static int lock_file(const struct store *s, enum directory d, const char *name,
		     unsigned timeout_ms)
{
	_cleanup_close_ int dir = make_directory(s, d), fd = -1;
	uint64_t until_us = clock_in_ms(timeout_ms);

	if (dir < 0)
		return dir;
	fd = open_lock(s, d, dir, name);
	if (fd < 0)
		return fd;
	/* flock(2) has no time-out of its own, and SIGALRM would not be ours to take. */
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_us() >= until_us)
			return -EBUSY;
		clock_sleep_ms(20);
	}
	return is_still(dir, name, fd) ? TAKE_FD(fd) : -EBUSY;
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

int store_lock_boots(const struct store *s, unsigned timeout_ms)
{
	return lock_file(s, IN_COUNTS, BOOTS_LOCK, timeout_ms);
}

int store_lock_profiles(const struct store *s, unsigned timeout_ms)
{
	return lock_file(s, IN_COUNTS, PROFILES_LOCK, timeout_ms);
}

int store_mark_dirty(const struct store *s)
{
	_cleanup_close_ int dir = open_directory(s, IN_STATE), fd = -1;

	if (dir < 0)
		return dir;
	fd = open_lock(s, IN_STATE, dir, DIRTY);
	return MIN(fd, 0);
}

bool store_take_dirty(const struct store *s)
{
	_cleanup_close_ int dir = open_directory(s, IN_STATE);

	return dir >= 0 && remove_from(s, IN_STATE, dir, DIRTY) > 0;
}

bool store_is_dirty(const struct store *s)
{
	_cleanup_close_ int dir = open_directory(s, IN_STATE);

	return dir >= 0 && faccessat(dir, DIRTY, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
