/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that are looked for in a package, and what was found: filled in one pass over
 * the package's members, in memory that depends on what is wanted and not on the package.
 *
 * Paths are compared folded: "./lib/x" in a package and "/lib/x" in a profile are
 * "/usr/lib/x", because distributions with merged /usr still ship packages that are not.
 */
#ifndef ELFCAST_WANTED_H
#define ELFCAST_WANTED_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buildid.h"
#include "hash.h"

enum wanted_type {
	WANTED_ABSENT = 0,
	WANTED_FILE,
	WANTED_LINK,	 /* symbolic */
	WANTED_DANGLING, /* hard link to a file that is not in the package */
	WANTED_OTHER,	 /* a directory, device, FIFO, ... */
};

struct wanted_file {
	char *path; /* folded */
	bool want_digest;
	/* What was found; owned. */
	enum wanted_type type;
	uint64_t size_bytes;
	int buildid_error; /* 0: it has one; else as buildid_read(), -ENOEXEC: no ELF file */
	/* With -ENOENT, too: the id that stands for it, but where only a header was read. */
	struct buildid buildid;
	char digest[HASH_DIGEST_BYTES]; /* "": was not read */
	char *link;	     /* target of a symbolic link, as it stands there; or NULL */
	char *hardlink;	     /* folded path of the member that has the data, or NULL */
	char *other_version; /* name of a member beside it that differs behind ".so.", or NULL */
	size_t owner;	     /* number of the installed package that lists it, 0: none */
	bool dir_is_owned; /* the package itself has the file's directory as a member */
};

struct wanted {
	struct wanted_file
		*files; /* after wanted_prepare(): sorted by path, no two equal */
	size_t n, capacity;
	struct wanted_key *dirs, *stems;
	size_t n_dirs, n_stems;
	/*
	 * Called with each of the files as it is found, FD its content, or -1: more of it than is
	 * kept; and with the folded path of each regular member. Both may be NULL. -ENOMEM.
	 */
	int (*on_file)(int fd, const struct wanted_file *f, void *userdata);
	int (*on_name)(const char *folded, void *userdata);
	void *userdata;
};

/* As ON_FILE, where there is one. */
int wanted_tell_file(const struct wanted *w, int fd, const struct wanted_file *f);

/* A buildid_error of what elf_id_read() returned. */
static inline int wanted_id_error(int r)
{
	return r > 0 ? -ENOENT : r;
}

void wanted_done(struct wanted *w);

/*
 * Canonical, folded form of a member's or an object's path. -EINVAL: it has a ".."
 * component; -ENOENT: it is the root itself; -ENAMETOOLONG.
 */
int wanted_fold(const char *path, char *ret, size_t bytes);

/* Add PATH (any form). As wanted_fold(), or -ENOMEM. Ends the validity of all pointers. */
int wanted_add(struct wanted *w, const char *path, bool want_digest);

/* After the last wanted_add(), and again after later ones: sort, join, index. -ENOMEM. */
int wanted_prepare(struct wanted *w);

/* Forget all that was found. */
void wanted_reset(struct wanted *w);

/*
 * Move what was found, and all that is known of what was not, to RET, all zero before, which is good for
 * wanted_find() alone; W is as after wanted_reset(). -ENOMEM.
 */
int wanted_take_found(struct wanted *w, struct wanted *ret);

/* By folded path; NULL when it is not wanted. */
struct wanted_file *wanted_find(const struct wanted *w, const char *folded);

/* The package has a directory, or a regular file, of that folded path. -ENOMEM. */
void wanted_note_dir(struct wanted *w, const char *folded);
int wanted_note_file(struct wanted *w, const char *folded);

/* Bytes of NAME up to and with ".so" when a version follows it (".so.1"), else 0. */
size_t wanted_stem_bytes(const char *name);

#endif
