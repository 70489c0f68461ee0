/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's event tracer, set up to tell which pages of which files are needed by anyone:
 * an instance of our own, and no page mapped that nobody touched. The only file that knows
 * tracefs. What it changes is put back even when this process is killed (settings.h).
 */
#ifndef ELFCAST_TRACEFS_H
#define ELFCAST_TRACEFS_H

#include <sys/types.h>

#include "mounts.h"
#include "settings.h"
#include "trace-ring.h"

struct tracefs {
	int instances_fd; /* directory of all instances */
	bool made;	  /* ours is there */
	int *cpu_fds;	  /* one ring buffer per CPU, not blocking */
	unsigned n_cpus;
	size_t page_bytes; /* of the ring buffers */
	struct ring_layout layout;
	struct page_event_format fault, get;
	/* Of a light recording. No touches where the processor's faults are no events. */
	struct page_event_format map;
	struct touch_event_format touch_user, touch_kernel;
	bool has_touches;
	struct block_event_format block; /* reads of file systems' own blocks */
	bool has_blocks;
	struct settings settings;
	/*
	 * Fault-around is off. Else read-ahead of local disks is: exact for what is not cached.
	 * Read-ahead is off, too, where faults map whole folios (large-folios.h).
	 */
	bool exact;
};

#define TRACEFS_NONE ((struct tracefs){ .instances_fd = -1, .settings = SETTINGS_NONE })

/*
 * Start recording. LIGHT: no setting of the kernel's is changed, and what fault-around maps is
 * told instead. Times are CLOCK_MONOTONIC. -EPERM: not root; -EACCES: the kernel is locked
 * down to confidentiality;
 * -ENODEV: no such tracer or events (Linux 6.10 has them); -EBUSY: another recording runs.
 */
int tracefs_start(struct tracefs *t, const struct mounts *mounts, bool light);
/* One page of CPU's buffer, at least page_bytes large; bytes, 0: nothing now. */
ssize_t tracefs_read(const struct tracefs *t, unsigned cpu, void *page);
/* No event comes any more; what came can still be read. Returns how many were lost. */
uint64_t tracefs_end(struct tracefs *t);
/* Put everything back. */
void tracefs_done(struct tracefs *t);

#endif
