/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The metadata part: stays root, without capabilities, since block devices are root's to
 * read. What it parses is root's own file, by the parser that is fuzzed.
 */
#include <errno.h>
#include <fcntl.h>

#include "boot.h"
#include "clock.h"
#include "bounds.h"
#include "pace.h"
#include "sandbox.h"
#include "store.h"

/* A hundred bytes for each of 600,000 files. */
#define MAX_BYTES   ((uint64_t)64 << 20)
#define DEADLINE_US UINT64_C(30000000)

/* What is read stays: threads that hang may still use it. */
static int load_places(const struct boot_options *o, struct store *store,
		       struct shadow_buffer *ret)
{
	_cleanup_close_ int fd = -1;

	if (!o->places) {
		store_choose(store);
		return store_load(store, STORE_PLACES, NULL, ret);
	}
	fd = open(o->places, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno
		      : shadow_buffer_read(fd, LIMIT_PACK_BYTES, SHADOW_KIND_PLACES, ret);
}

/* Nothing of it is needed: what goes wrong is only slower, and the report lacks it. */
void boot_metadata_part(const struct boot_part *part)
{
	static struct pace pace;
	struct prefetch_report report;
	struct store store;
	struct shadow_buffer places;
	uint64_t start_us;

	sandbox_drop_privileges();
	pace_init(&pace, part, &part->share->metadata, &part->share->data);
	if (store_open(part->options->root, false, &store) < 0)
		return;
	pace_wait_hangup(part, CLOCK_NEVER);
	pace_watch_disks(&pace, store.root_path);
	if (load_places(part->options, &store, &places) < 0)
		return;
	start_us = clock_us();
	if (pace_prefetch(&pace, &store, &places.shadow, MAX_BYTES / PAGE_BYTES,
			  part->start_us + DEADLINE_US, &report) < 0)
		return;
	free(report.skips);
	part->share->metadata_us = clock_us() - start_us;
}
