/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The metadata part: stays root, without capabilities, since block devices are root's to
 * read. What it parses is root's own file, by the parser that is fuzzed.
 */
#include <errno.h>
#include <fcntl.h>

#include "boot.h"
#include "bounds.h"
#include "clock.h"
#include "pace.h"
#include "rest.h"
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

/* What PACE->eager says. *RET_SKIPS: new; NULL: nothing was read. */
static void read_ahead(const struct boot_part *part, struct pace *pace,
		       const struct store *store, const struct shadow *s,
		       uint8_t **ret_skips)
{
	uint64_t start_us = clock_us();
	struct prefetch_report report;

	*ret_skips = NULL;
	if (pace_prefetch(pace, store, s, MAX_BYTES / PAGE_BYTES,
			  part->start_us + DEADLINE_US, &report) < 0)
		return;
	*ret_skips = report.skips;
	part->share->metadata_us += clock_us() - start_us;
}

/* But for file systems that an early run has found. */
static void read_eager(const struct boot_part *part, struct pace *pace,
		       const struct store *store, const struct shadow_buffer *places)
{
	const uint8_t *early =
		part->early ? boot_fates_get(&part->early->metadata_fates, places) : NULL;
	_cleanup_free_ uint8_t *skips = NULL;
	struct shadow left;

	part->share->metadata_continued = early != NULL;
	if (rest_find_eager(&places->shadow, early, &left) < 0 || left.n_extents == 0)
		return;
	pace->eager = true;
	read_ahead(part, pace, store, &left, &skips);
	boot_eager_put(&part->share->metadata_eager, &part->share->metadata,
		       part->start_us);
	boot_fates_put(&part->share->metadata_fates, places, skips);
}

/* Nothing of it is needed: what goes wrong is only slower, and the report lacks it. */
void boot_metadata_part(const struct boot_part *part)
{
	const struct boot_options *o = part->options;
	static struct pace pace;
	struct shadow_buffer places;
	const struct shadow *s = &places.shadow;
	_cleanup_free_ uint8_t *skips = NULL;
	struct store store;

	sandbox_drop_privileges();
	pace_init(&pace, part, &part->share->metadata, &part->share->metadata_timeline,
		  &part->share->data);
	if (store_open(o->root, false, &store) < 0)
		return;
	pace_watch_disks(&pace, store.root_path);
	if (load_places(o, &store, &places) < 0)
		return;
	pace_wait_hangup(part, part->plan_fd, CLOCK_NEVER);
	if (part->share->plan == BOOT_PLAN_EAGER)
		read_eager(part, &pace, &store, &places);
	if (part->ready_fd >= 0)
		close(part->ready_fd);
	if (o->only_eager)
		return;
	pace_step_back(&pace);
	pace_wait_hangup(part, part->before_fd, CLOCK_NEVER);
	if (s->n_eager < s->n_extents)
		read_ahead(part, &pace, &store, s, &skips);
}
