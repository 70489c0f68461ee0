/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A parsed shadow to readahead calls; the only file that knows readahead and its relatives.
 * libc only. Allocates once at its start, nothing after.
 */
#ifndef ELFCAST_PREFETCH_H
#define ELFCAST_PREFETCH_H

#include <stdint.h>

#include "mounts.h"
#include "shadow-read.h"

/* What became of one object. */
enum prefetch_skip {
	PREFETCH_USED = 0,    /* its pages were asked for */
	PREFETCH_NOT_VALID,   /* not usable when compiled */
	PREFETCH_NOT_LOCAL,   /* mount table: not on the allow-list */
	PREFETCH_GONE,	      /* no such file, or a link in its path */
	PREFETCH_NOT_REGULAR, /* directory, FIFO, device, or empty */
	PREFETCH_CHANGED,     /* identity and build-id differ */
	PREFETCH_DENIED,      /* cannot be opened: permissions, descriptors */
	PREFETCH_FAILED,      /* I/O error */
	PREFETCH_NOT_REACHED, /* stopped before: deadline, budget */
	PREFETCH_SKIPS,
};

struct prefetch_options {
	int rootfd;		 /* paths are below it */
	const char *root_path;	 /* canonical path of rootfd, for the mount table; "/" */
	unsigned n_threads;	 /* 0: default */
	uint64_t max_pages;	 /* 0: no limit */
	unsigned deadline_ms;	 /* 0: none. Return then, whatever the workers do */
};

struct prefetch_report {
	uint32_t n_objects, n_objects_used;
	uint32_t n_extents_asked;
	uint64_t n_pages_asked;
	uint64_t elapsed_us;
	bool deadline_hit;
	/* enum prefetch_skip per object, n_objects items; owned, free() it. */
	uint8_t *skips;
};

/*
 * Read ahead what S holds, extents in their order, from files whose identity matches.
 * Returns when all calls were made (data may still be in flight) or at the deadline; workers
 * stuck in the kernel are then left behind, and so are the shadow's buffer and the report's
 * memory that they use (the caller must not unmap or free DATA of S when deadline_hit).
 * 0, -ENOMEM, -EAGAIN (no thread could be made).
 */
int prefetch_run(const struct shadow *s, const struct mounts *mounts,
		 const struct prefetch_options *options, struct prefetch_report *ret);

const char *prefetch_skip_text(enum prefetch_skip skip);

#endif
