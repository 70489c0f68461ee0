/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the supervisor makes of the memory that its parts write. One of them has no
 * privileges and parses a pack, so each field may hold anything, at any time: it is copied
 * once, and brought to what a part could have meant.
 */
#include <errno.h>
#include <string.h>

#include "boot.h"
#include "bounds.h"
#include "macro.h"
#include "utf8.h"

/* Far above any machine; sums and products of a few stay exact in JSON, and never wrap. */
#define MAX_PAGES	((uint64_t)1 << 40)
#define MAX_US		((uint64_t)LIMIT_WINDOW_MS * 1000)
/* Ten years; what is asked for at boot has far less. */
#define MAX_UPTIME_US	((uint64_t)315360000 * 1000000)
#define MAX_OF(record)	(LIMIT_PACK_BYTES / (uint32_t)sizeof(struct record))
#define LARGEST_ERRNO	4095

#define CLAMP(x, limit) ((x) = MIN((x), (limit)))

unsigned boot_share_deadline_ms(const struct boot_share *s)
{
	unsigned ms = s->deadline_ms;

	return MIN(ms, LIMIT_WINDOW_MS);
}

static void clamp_counts(struct boot_counts *c)
{
	CLAMP(c->pages_asked, MAX_PAGES);
	CLAMP(c->bytes_read, MAX_PAGES * PAGE_BYTES);
	CLAMP(c->cpu_us, MAX_US);
	CLAMP(c->yielded_us, MAX_US);
	if ((unsigned)c->stop > BOOT_STOP_BUDGET)
		c->stop = BOOT_STOP_NONE;
}

static void clamp_eager(struct boot_eager *e)
{
	CLAMP(e->pages_asked, MAX_PAGES);
	CLAMP(e->bytes_read, MAX_PAGES * PAGE_BYTES);
	CLAMP(e->us, MAX_US);
	CLAMP(e->from_us, MAX_UPTIME_US);
	CLAMP(e->until_us, MAX_UPTIME_US);
	CLAMP(e->n_passed, MAX_OF(shadow_object));
	CLAMP(e->n_used, e->n_passed);
}

static void clamp_fates(struct boot_fates *f)
{
	CLAMP(f->n, (uint32_t)BOOT_FATES);
	for (size_t i = 0; i < BOOT_FATES; i++)
		if (f->skips[i] >= OBJECT_SKIPS)
			f->skips[i] = OBJECT_NOT_REACHED;
}

static void clamp_timeline(struct boot_timeline *t)
{
	uint32_t n = MIN(t->n, (uint32_t)BOOT_SAMPLES), kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct boot_sample s = t->samples[i];

		if (kept > 0 && s.us < t->samples[kept - 1].us)
			break;
		CLAMP(s.us, (uint32_t)MAX_US);
		t->samples[kept++] = s;
	}
	t->n = kept;
}

static void clamp_objects(struct boot_share *s)
{
	CLAMP(s->n_objects, MAX_OF(shadow_object));
	for (size_t i = 0; i < OBJECT_SKIPS; i++)
		CLAMP(s->n_skips[i], s->n_objects);
	CLAMP(s->n_named, (uint32_t)BOOT_NAMED);
	for (size_t i = 0; i < BOOT_NAMED; i++) {
		CLAMP(s->named[i].why, (uint32_t)OBJECT_SKIPS);
		s->named[i].path[BOOT_NAME_BYTES - 1] = 0;
		utf8_blank(s->named[i].path);
	}
}

void boot_share_take(const struct boot_share *from, struct boot_share *ret)
{
	memcpy((void *)ret, (const void *)from, sizeof(*ret));
	ret->deadline_ms = boot_share_deadline_ms(ret);
	CLAMP(ret->max_bytes, MAX_PAGES * PAGE_BYTES);
	clamp_counts(&ret->metadata);
	clamp_counts(&ret->data);
	clamp_counts(&ret->own);
	clamp_eager(&ret->metadata_eager);
	clamp_eager(&ret->data_eager);
	clamp_timeline(&ret->metadata_timeline);
	clamp_timeline(&ret->data_timeline);
	clamp_timeline(&ret->own_timeline);
	clamp_eager(&ret->own_eager);
	CLAMP(ret->early_pages_asked, MAX_PAGES);
	clamp_fates(&ret->data_fates);
	clamp_fates(&ret->metadata_fates);
	CLAMP(ret->n_eager_pages, MAX_PAGES);
	if ((unsigned)ret->plan >= BOOT_PLANS)
		ret->plan = BOOT_PLAN_NONE;
	CLAMP(ret->n_launches, MAX_OF(shadow_launch));
	CLAMP(ret->n_extents_asked, MAX_OF(shadow_extent));
	CLAMP(ret->n_pages, MAX_PAGES);
	CLAMP(ret->metadata_us, MAX_US);
	clamp_objects(ret);
	if ((unsigned)ret->outcome > BOOT_FAILED)
		ret->outcome = BOOT_UNFINISHED;
	if (ret->error > 0 || ret->error < -LARGEST_ERRNO)
		ret->error = -EBADMSG;
}
