/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Of a recording of the whole system: which file that is, of which events of the page cache tell
 * device and inode. Told by notifications of opened files, and at the start by what is open and mapped
 * already. The only file that knows fanotify here.
 */
#ifndef ELFCAST_SYSTEM_FILES_H
#define ELFCAST_SYSTEM_FILES_H

#include "traced-files.h"

struct system_files {
	struct traced_files files;
	int fanotify_fd;
	bool light;	       /* a known file that is opened again is not told of */
	uint64_t n_file_pages; /* of all files known */
	unsigned n_overflows;  /* a full queue, or more files than are kept */
	unsigned n_clashes;    /* files that share device and inode number */
};

/* Notifications begin. Errors of fanotify_init(2), -ENOMEM. *F is to be freed in any case. */
int system_files_init(struct system_files *f, bool light);
void system_files_done(struct system_files *f);

/* All 0 or negative errno. What was open or mapped before notifications began. */
int system_files_learn_running(struct system_files *f);
/* During a boot, disks are mounted one by one. */
int system_files_follow_mounts(struct system_files *f);
/* All notifications that are there. */
int system_files_drain(struct system_files *f);

/* As page cache events name it; NULL: none that counts. */
struct traced_file *system_files_find(const struct system_files *f, dev_t dev, ino_t ino);
/* Whether files of the disk DEV can count. */
bool system_files_has_disk(const struct system_files *f, dev_t dev);

#endif
