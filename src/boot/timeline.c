/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot.h"
#include "bounds.h"
#include "macro.h"

#define APART_US 1000u

static void thin_out(struct boot_timeline *t)
{
	uint32_t n = 0;

	/* The last one stays. */
	for (uint32_t i = 1; i < BOOT_SAMPLES; i += 2)
		t->samples[n++] = t->samples[i];
	t->n = n;
	t->apart_us *= 2;
}

/* S is not before LAST, nor less. */
static void raise_to(struct boot_sample *s, const struct boot_sample *last)
{
	s->us = MAX(s->us, last->us);
	s->asked_pages = MAX(s->asked_pages, last->asked_pages);
	s->read_kib = MAX(s->read_kib, last->read_kib);
}

void boot_timeline_add(struct boot_timeline *t, struct boot_sample s)
{
	uint32_t n = t->n;

	if (n == 0)
		t->apart_us = APART_US;
	/* Threads tell what they knew before they had their turn. */
	if (n > 0)
		raise_to(&s, &t->samples[n - 1]);
	/* The last one is always where it has come to. */
	if (n >= 2 && s.us - t->samples[n - 2].us < t->apart_us) {
		t->samples[n - 1] = s;
		return;
	}
	if (n == BOOT_SAMPLES) {
		thin_out(t);
		n = t->n;
	}
	t->samples[n] = s;
	t->n = n + 1;
}

/* T goes on where EARLY (NULL: nowhere) ended, SHIFT_US after that began. */
static void join(struct boot_timeline *t, const struct boot_timeline *early,
		 const struct boot_counts *done, uint32_t shift_us)
{
	static struct boot_timeline late;

	late = *t;
	*t = early ? *early : (struct boot_timeline){ 0 };
	for (uint32_t i = 0; i < late.n; i++) {
		struct boot_sample s = late.samples[i];

		s.us = MIN(s.us, UINT32_MAX - shift_us) + shift_us;
		if (early) {
			s.asked_pages += (uint32_t)done->pages_asked;
			s.read_kib += (uint32_t)(done->bytes_read >> 10);
		}
		boot_timeline_add(t, s);
	}
}

uint64_t boot_timelines_join(struct boot_share *told, const struct boot_share *early,
			     uint64_t start_us)
{
	uint64_t from_us = told->data_continued	      ? early->data_eager.from_us
			   : told->metadata_continued ? early->metadata_eager.from_us
						      : 0;

	if (from_us == 0 || from_us >= start_us ||
	    start_us - from_us > (uint64_t)LIMIT_WINDOW_MS * 1000)
		return start_us;
	join(&told->data_timeline, told->data_continued ? &early->data_timeline : NULL,
	     &early->data, (uint32_t)(start_us - from_us));
	join(&told->metadata_timeline,
	     told->metadata_continued ? &early->metadata_timeline : NULL, &early->metadata,
	     (uint32_t)(start_us - from_us));
	join(&told->own_timeline, told->own_continued ? &early->own_timeline : NULL,
	     &early->own, (uint32_t)(start_us - from_us));
	return from_us;
}
