/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where our files live below a root, who may have written them, and how they are replaced:
 * the only place that knows the names of our directories. Everything is opened relative to
 * the root's descriptor.
 */
#ifndef ELFCAST_STORE_H
#define ELFCAST_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "identity.h"
#include "macro.h"
#include "names.h"

struct shadow_buffer;

struct store {
	int rootfd;
	char *root_path; /* canonical, "/" or without a final slash */
	uid_t owner;	 /* whose files are trusted besides root's: who opened this */
	bool usr;	 /* compiled files are those of an image, in /usr/lib/elfcast */
};

/*
 * ROOT NULL: "/". USR: where to compile to, which compile alone decides; whoever reads opens
 * the second way. 0 or negative errno.
 */
int store_open(const char *root, bool usr, struct store *ret);
int store_open_compiled(const char *root, struct store *ret);
/*
 * Who is told when something in our directories is not used or is put right: its path below
 * the root, and what. For the whole process; nobody at first.
 */
void store_set_notice(void (*notice)(const char *path, const char *what));
/*
 * Where compiled files are to be read from, all of them: /usr/lib/elfcast when compile has
 * left its index there and none in /var/lib/elfcast. What was compiled in /var counts alone,
 * also when that is no pack. For who opened before a disk may be read, or lives on.
 */
void store_choose(struct store *s);
void store_done(struct store *s);
/* Whether PATH lies where compiling writes: what a launch reads there is ours, not its own. */
bool store_is_state(const char *path);

/* One profile as installed: /etc overrides /usr/share by name. */
struct profile_file {
	char *name;    /* "SOURCE.PROGRAM.json" */
	char *program; /* NULL: a file of its own; else it is inside of this program */
	bool from_etc;
	bool masked; /* a link to /dev/null or an empty file in /etc */
	int error; /* why it is not to be read: -ELOOP, -EPERM (owner, mode), -EINVAL … */
	struct identity identity;
};

struct profile_list {
	struct profile_file *items; /* sorted by name */
	size_t n, capacity;
	/* Of /usr/share and /etc: 0, why it was not read, or -E2BIG: not all of it. */
	int dir_error[2];
};

/* Both profile directories; a missing one is empty. -ENOMEM, -E2BIG, -EIO, … */
int store_list_profiles(const struct store *s, struct profile_list *ret);
/* Whether the profile NAME stands for one inside of its program. */
bool store_profile_is_embedded(const char *name);
/*
 * Behind L's: those inside of the files that PROGRAMS name, as "embedded.HASH.json"; what is not there is
 * left out. -ENOMEM.
 */
int store_add_embedded(const struct store *s, const struct name_list *programs,
		       struct profile_list *l);
void profile_list_done(struct profile_list *l);
/* Open the profile for reading (checked again on the open file). Descriptor or error. */
int store_open_profile(const struct store *s, const struct profile_file *f);
/* "/etc/elfcast/profiles.d/NAME", the /usr/share one, or the program that it is in, for messages. */
void store_profile_path(const struct profile_file *f, char *ret, size_t bytes);
/* The directory itself: /usr/share (false) or /etc (true). */
const char *store_profile_dir(bool etc);

/* What packages know of builds, for all profiles: evidence.h. */
#define STORE_EVIDENCE "/usr/share/elfcast/evidence.d"

/*
 * File name of the shadow of PROGRAM compiled from profile NAME: "HASH.NAME.shadow", HASH
 * being 16 hex digits of XXH3-64 of the program's path, so that a launch finds its shadows
 * by one pass over the directory's names. New string, NULL: no memory.
 */
char *store_shadow_name(const char *program, const char *profile_name);
bool store_shadow_is_of(const char *shadow_name, const char *program);
/* The profile's name in it, "" when there is none. New string, NULL: no memory. */
char *store_shadow_profile(const char *shadow_name);

/* Names of the shadows there are, sorted; a missing directory is empty. */
int store_list_shadows(const struct store *s, struct name_list *ret);
bool store_shadow_is_from(const char *shadow_name, const char *profile_name);
/* Whether one of SHADOWS was compiled from the profile named PROFILE_NAME. */
bool store_has_shadow(const struct name_list *shadows, const char *profile_name);

/* Our files, but for profiles; where each lies and what it may hold stands in store.c. */
enum store_file {
	STORE_SHADOW, /* of each profile one: the only one that goes by a NAME */
	STORE_INDEX,  /* what the last compile saw */
	STORE_PACK,   /* what is read at boot */
	STORE_BUNDLE, /* what is read when a launch comes */
	STORE_PLACES, /* places of metadata, read before that */
	STORE_OWN, /* files of this machine that a boot reads, which nobody else may know */
	STORE_BLOCKS, /* blocks of the file systems' own that a boot read, see boot-blocks.h */
	STORE_LAUNCHES,	    /* launch counts, and who was read ahead in vain */
	STORE_LAUNCH_TIMES, /* how long cold launches took */
	STORE_BOOTS,	    /* how long the last boots took */
	STORE_CONFIG,	    /* elfcast.conf */
	STORE_DISABLED,	    /* disabled.conf: what elfcast disable says */
	STORE_BOOT_REPORT,  /* of the last boot's prefetch */
	STORE_BOOT_EARLY,   /* of its early part, for the later one */
	STORE_PACK_READ, /* the pack that it has read, once another one has taken its place */
	STORE_WATCH,	 /* what elfcastd tells of itself */
	STORE_LAUNCHED,	  /* and of this boot's launches */
	STORE_TRAINING,	  /* which boots were recorded */
	STORE_TRAIN_NEXT, /* is there where the next boot is to be recorded */
};

/*
 * NAME of a shadow is one of store_list_shadows() or store_shadow_name(); else NULL.
 *
 * Read: all of it in a new buffer, one NUL past *RET_BYTES. -ENOENT; -E2BIG; -EINVAL, -ELOOP:
 * no regular file; -EPERM: it or its directory is not root's, or writable by others.
 */
int store_read(const struct store *s, enum store_file file, const char *name, uint8_t **ret,
	       size_t *ret_bytes);
/* Read a container, and check that it is one of FILE's kind: -EBADMSG, -ESTALE. */
int store_load(const struct store *s, enum store_file file, const char *name,
	       struct shadow_buffer *ret);
/* Of whatever is there, a link itself. */
int store_stat(const struct store *s, enum store_file file, const char *name,
	       struct identity *ret);
/*
 * Replace atomically: temporary file in the same directory, write, check, rename, and fsync
 * where nothing can make it again. Writes nothing when the bytes are there already
 * (*ret_written false). The directory is made; but no /run: -ENOENT.
 */
int store_put(const struct store *s, enum store_file file, const char *name,
	      const void *data, size_t bytes, bool *ret_written);
/* Removing what is not there is no error (*ret_removed false). */
int store_remove(const struct store *s, enum store_file file, const char *name,
		 bool *ret_removed);
/* Path below the root, for the index and for messages. */
void store_path(const struct store *s, enum store_file file, const char *name, char *ret,
		size_t bytes);
/* Its name in its directory, where it has one. */
const char *store_name(enum store_file file);
/* Path of elfcast.conf below the root. */
const char *store_config_path(void);
/* The directory of shadows, of this machine or (USR) of its image; for those that have no store. */
const char *store_shadows_path(bool usr);

/* Temporary files of a compile that was killed. Only under the lock. */
int store_remove_leftovers(const struct store *s);

/* Directory of what elfcastd tells of itself, made if need be. */
int store_open_run(const struct store *s);
/* Of launch counts: for watching, and names in it. */
int store_open_state(const struct store *s);
const char *store_launches_lock_name(void);

/* Remove /etc/elfcast/profiles.d/NAME, a profile or a mask. -ENOENT: there is none. */
int store_remove_profile(const struct store *s, const char *name);
/*
 * Install a profile text in /etc/elfcast/profiles.d/NAME (fsync and rename). Only under
 * store_lock_profiles(): who writes has looked before whose profile is there.
 */
int store_put_profile(const struct store *s, const char *name, const void *data,
		      size_t bytes);
/* Whether this user may do that and compile: 0, or what would come of it, mostly. Makes nothing. */
int store_may_put_profiles(const struct store *s);

/*
 * One compile at a time: lock the state directory, making it if need be, waiting at most
 * TIMEOUT_MS. Lock descriptor, -EBUSY, -EROFS, …; closing it unlocks.
 */
int store_lock(const struct store *s, unsigned timeout_ms);
/* The same for writers of launch counts: elfcastd holds it all its life. */
int store_lock_launches(const struct store *s, unsigned timeout_ms);
/* The same for the log of boots. */
int store_lock_boots(const struct store *s, unsigned timeout_ms);
/* The same for who installs profiles; nothing slow is done under it. */
int store_lock_profiles(const struct store *s, unsigned timeout_ms);

/*
 * A mark for whoever holds the lock: something changed after it may have looked. 0 or
 * negative errno.
 */
int store_mark_dirty(const struct store *s);
/* Remove the mark; whether there was one. */
bool store_take_dirty(const struct store *s);
bool store_is_dirty(const struct store *s);

/* What root reads and trusts must not be somebody else's to write. */
bool store_is_trusted(const struct store *s, const struct stat *st);

#endif
