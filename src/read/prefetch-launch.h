/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A launch's file to readahead calls: the metadata first, where its places on the block device are
 * known and may be read; else by looking up, in threads of their own, what the launch is going to
 * look up; and the pages. libc only.
 */
#ifndef ELFCAST_PREFETCH_LAUNCH_H
#define ELFCAST_PREFETCH_LAUNCH_H

#include "prefetch-job.h"

struct prefetch_launch_report {
	uint64_t n_place_pages; /* of metadata, asked for */
	uint32_t n_lookups;	/* names looked up, directories listed */
	struct prefetch_report data;
};

/*
 * As prefetch_run(), which see, for the shadow of B. Places and lookups are only faster: what
 * becomes of them is no error. With data.deadline_hit B must be kept, too.
 */
int prefetch_launch(const struct shadow_buffer *b, const struct mounts *mounts,
		    const struct prefetch_options *options,
		    struct prefetch_launch_report *ret);

#endif
