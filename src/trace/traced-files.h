/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that a recorded launch uses, and which of their pages. Decides which files count:
 * regular files on disk file systems; no temporary ones, none that the launch wrote itself.
 * While the launch runs, nothing is asked of a file system that could wait for the launch (its
 * own FUSE server): no path is walked before _finish().
 */
#ifndef ELFCAST_TRACED_FILES_H
#define ELFCAST_TRACED_FILES_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "mounts.h"
#include "recording.h"

struct traced_file {
	struct trace_object object;
	uint32_t n_used;	 /* pages marked */
	enum trace_left_out why; /* LEFT_OUT_NOT: it counts */
	bool executed;		 /* the kernel has read its headers */
	char *interpreter; /* after _finish(): the path that it then asked for, or NULL */
	bool faulted;	   /* of a recording of the system: it was mapped and touched */
	/* Found in no descriptor yet, but mapped: device and inode as mappings show them. */
	bool mapped_only;
	dev_t map_dev;
	ino_t map_ino;
};

struct traced_alias;

struct traced_files {
	struct mounts *mounts;
	int mountinfo_fd; /* tells when mounts have changed */
	struct stat ns;	  /* our mount namespace */
	/*
	 * Set after _init(): anyone opens files. Then only local ones count, and only by paths
	 * that lead there: what is opened in a container, or by overlayfs in a layer, has others.
	 */
	bool system_wide;
	struct timespec start; /* CLOCK_REALTIME_COARSE, as file times are taken from */
	struct traced_file **items;
	size_t n, capacity;
	struct traced_alias *aliases; /* hash table, n_slots a power of 2 */
	size_t n_aliases, n_slots;
};

/*
 * Before the launch starts: files changed from now on do not count. Takes up to a tick of the
 * clock (10 ms). -ENOMEM, -ENOENT.
 */
int traced_files_init(struct traced_files *f);
void traced_files_done(struct traced_files *f);

/*
 * The file open as descriptor FD of PID. NULL: none that counts. Valid until _done(). Costs
 * one system call when the file is known.
 */
struct traced_file *traced_files_by_fd(struct traced_files *f, pid_t pid, int fd);
/*
 * The same for a line of /proc/PID/maps of PID (0: of no process), whose device may not be stat's (btrfs, overlay), and
 * whose pages end before END_PGNO.
 */
struct traced_file *traced_files_by_mapping(struct traced_files *f, pid_t pid, dev_t dev,
					    ino_t ino, const char *path, uint64_t end_pgno);

/*
 * The key by which tracepoints of the page cache name a file: the device number of its file
 * system's superblock, which is not stat's on btrfs and overlay, and the inode number.
 */
struct traced_file *traced_files_by_cache(const struct traced_files *f, dev_t dev,
					  ino_t ino);
/*
 * FILE has this key. Inode numbers of btrfs subvolumes overlap: a key that two files have
 * leads to none from then on (*ret_clash). -ENOMEM.
 */
int traced_files_add_cache(struct traced_files *f, dev_t dev, ino_t ino,
			   struct traced_file *file, bool *ret_clash);
/* Whether files below PATH, a directory or a file, can count. Lexical. */
bool traced_files_path_counts(const struct traced_files *f, const char *path);
/* Look at the mount table again if it has changed: 1. On failure it stays as it is. */
int traced_files_follow_mounts(struct traced_files *f);

/* None of their pages has been used yet. */
void traced_files_forget(struct traced_files *f);
uint64_t traced_files_count(const struct traced_files *f); /* used pages of all */

/* Nothing more can be learnt about it. */
static inline bool traced_file_is_full(const struct traced_file *file)
{
	return file->n_used == file->object.n_pages;
}

/* Whether [off, off + bytes), clipped to the file, has a page that is not known yet. */
bool traced_file_lacks_bytes(const struct traced_file *file, uint64_t off, uint64_t bytes);
/* Pages were used, in bucket WHEN at the latest; the earliest stays. Clipped to the file. */
void traced_file_mark(struct traced_file *file, uint64_t first_pgno, uint64_t n_pages,
		      uint32_t when);
/* The same in bytes. */
void traced_file_mark_bytes(struct traced_file *file, uint64_t off, uint64_t bytes,
			    uint32_t when);

/*
 * Walks the paths. Moves to RET all that was used, sorted by path, and counts what is left out:
 * what the launch changed, what is not at its path here. -ENOMEM.
 */
int traced_files_finish(struct traced_files *f, struct trace_result *ret);

#endif
