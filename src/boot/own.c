/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part that reads this machine's own files ahead (own-files.h), for the boot itself. It stays
 * root, who alone may read what names them, and may read any file; but it does nothing else with
 * one.
 */
#include "boot.h"
#include "clock.h"
#include "pace.h"
#include "sandbox.h"
#include "store.h"

#define DEADLINE_US UINT64_C(30000000)

void boot_own_part(const struct boot_part *part)
{
	struct boot_share *share = part->share;
	struct prefetch_report report;
	static struct pace pace;
	struct shadow_buffer own;
	struct store store;

	sandbox_drop_all_but_reading();
	if (store_open(part->options->root, false, &store) < 0 ||
	    store_load(&store, STORE_OWN, NULL, &own) < 0)
		return;
	pace_init(&pace, part, &share->own, &share->own_timeline, &share->data);
	pace_wait_hangup(part, part->plan_fd, CLOCK_NEVER);
	/* Whoever read early has read it. */
	share->own_continued = part->early != NULL;
	if (share->plan != BOOT_PLAN_EAGER || share->own_continued)
		return;
	pace.eager = true;
	if (pace_prefetch(&pace, &store, &own.shadow, shadow_count_pages(&own.shadow),
			  part->start_us + DEADLINE_US, &report) < 0)
		return;
	free(report.skips);
	boot_eager_put(&share->own_eager, &share->own, part->start_us);
}
