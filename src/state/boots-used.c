/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of what was read for launches belongs to programs that were launched then. */
#include <errno.h>
#include <time.h>

#include "boot-report.h"
#include "boots.h"
#include "clock.h"
#include "launch-counts.h"
#include "shadow-read.h"

#define LOCK_TIMEOUT_MS 1000u

static bool was_launched(const struct shadow *pack, uint32_t launch,
			 const struct launch_counts *l, uint64_t since_s)
{
	const struct launch_count *c =
		launch_counts_find(l, shadow_string(pack, pack->launches[launch].program));

	return c && c->last_s > 0 && c->last_s >= since_s;
}

unsigned boots_used_percent(const struct shadow *pack, const struct launch_counts *l,
			    uint64_t since_s)
{
	uint64_t n_pages = 0, n_used = 0;

	for (uint32_t i = pack->n_eager; i < pack->n_extents; i++) {
		const struct shadow_extent *e = &pack->extents[i];

		n_pages += le32_get(e->n_pages);
		if (was_launched(pack, le32_get(e->when), l, since_s))
			n_used += le32_get(e->n_pages);
	}
	return n_pages > 0 ? (unsigned)(n_used * 100 / n_pages) : BOOT_USED_UNKNOWN;
}

int boots_note_used(const struct store *s, const struct launch_counts *l)
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer pack = { 0 };
	_cleanup_close_ int lock = store_lock_boots(s, LOCK_TIMEOUT_MS);
	uint64_t now_s = clock_seconds(CLOCK_REALTIME),
		 up_s = clock_seconds(CLOCK_BOOTTIME);
	char boot_id[BOOT_ID_BYTES + 1];
	struct boot_line *line;
	static struct boots b;
	int r = MIN(lock, 0);

	if (r == 0)
		r = boots_read_id(boot_id);
	if (r == 0)
		r = boots_load(s, &b);
	if (r == 0)
		r = boot_report_find_pack(s, &pack);
	if (r < 0)
		return r == -ESTALE ? -ENOENT : r;
	line = boots_find(&b, boot_id);
	if (!line)
		return -ENOENT;
	line->used_percent = boots_used_percent(&pack.shadow, l, now_s - MIN(up_s, now_s));
	return boots_save(s, &b);
}
