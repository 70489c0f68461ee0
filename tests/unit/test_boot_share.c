/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a part without privileges may have written, whatever that is, is fit to be printed. */
#include "in-range.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "boot-report.h"
#include "boot.h"
#include "bounds.h"
#include "io.h"
#include "log.h"
#include "macro.h"

static void assert_counts(const struct boot_counts *c)
{
	assert_true(c->pages_asked <= (uint64_t)1 << 40);
	assert_true(c->bytes_read <= (uint64_t)1 << 52);
	assert_true(c->cpu_us <= UINT64_C(3600000000));
	assert_true(c->yielded_us <= UINT64_C(3600000000));
	assert_uint_in_range(c->stop, BOOT_STOP_NONE, BOOT_STOP_BUDGET);
}

static void assert_eager(const struct boot_eager *e)
{
	assert_true(e->pages_asked <= (uint64_t)1 << 40);
	assert_true(e->bytes_read <= (uint64_t)1 << 52);
	assert_true(e->us <= UINT64_C(3600000000));
	assert_true(e->from_us <= (uint64_t)1 << 49);
	assert_true(e->until_us <= (uint64_t)1 << 49);
}

static void assert_fates(const struct boot_fates *f)
{
	assert_true(f->n <= BOOT_FATES);
	for (size_t i = 0; i < BOOT_FATES; i++)
		assert_uint_in_range(f->skips[i], 0, OBJECT_SKIPS - 1);
}

static void assert_timeline(const struct boot_timeline *t)
{
	assert_true(t->n <= BOOT_SAMPLES);
	for (uint32_t i = 0; i < t->n; i++) {
		assert_true(t->samples[i].us <= UINT32_C(3600000000));
		assert_true(i == 0 || t->samples[i].us >= t->samples[i - 1].us);
	}
}

static void assert_fit(const struct boot_share *s)
{
	uint64_t n_objects = 0;

	assert_true(s->deadline_ms <= 3600000);
	assert_true(s->max_bytes <= (uint64_t)1 << 52);
	assert_counts(&s->metadata);
	assert_counts(&s->data);
	assert_eager(&s->metadata_eager);
	assert_eager(&s->data_eager);
	assert_timeline(&s->metadata_timeline);
	assert_timeline(&s->data_timeline);
	assert_uint_in_range(s->plan, 0, BOOT_PLANS - 1);
	assert_true(s->early_pages_asked <= (uint64_t)1 << 40);
	assert_fates(&s->data_fates);
	assert_fates(&s->metadata_fates);
	assert_true(s->n_eager_pages <= (uint64_t)1 << 40);
	assert_true(s->n_launches <= LIMIT_PACK_BYTES / sizeof(struct shadow_launch));
	assert_true(s->n_objects <= LIMIT_PACK_BYTES / sizeof(struct shadow_object));
	assert_true(s->n_extents_asked <= LIMIT_PACK_BYTES / sizeof(struct shadow_extent));
	assert_true(s->n_pages <= (uint64_t)1 << 40);
	assert_true(s->metadata_us <= UINT64_C(3600000000));
	assert_uint_in_range(s->outcome, BOOT_UNFINISHED, BOOT_FAILED);
	assert_true(s->error <= 0 && s->error >= -4095);
	for (size_t i = 0; i < OBJECT_SKIPS; i++)
		n_objects += s->n_skips[i];
	assert_true(n_objects <= UINT32_MAX);
	assert_true(s->n_named <= BOOT_NAMED);
	for (size_t i = 0; i < BOOT_NAMED; i++) {
		assert_non_null(memchr(s->named[i].path, 0, BOOT_NAME_BYTES));
		assert_true(s->named[i].why <= OBJECT_SKIPS);
	}
}

/* Log line and report of it. */
static void print(const struct boot_share *s)
{
	char path[] = "/tmp/elfcast-test-share-XXXXXX";
	const struct boot_options o = { .report = path };
	const struct boot_end end = { .stop = (enum boot_stop)s->data.stop };
	_cleanup_close_ int fd = mkstemp(path), written = -1;
	_cleanup_free_ char *text = NULL;
	struct boot_report report;
	size_t bytes;

	assert_true(fd >= 0);
	log_set_level(LOG_LEVEL_SILENT);
	boot_log(&o, s, &end);
	assert_int_equal(boot_write_report(&o, s, &end), 0);
	written = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_read_file(written, LIMIT_BOOT_REPORT_BYTES, &text, &bytes), 0);
	unlink(path);
	assert_int_equal(boot_report_parse(text, &report), 0);
	assert_int_equal(report.n_objects, s->n_objects);
	assert_int_equal(report.plan, s->plan);
	assert_true(report.key == s->eager_key);
	assert_int_equal(report.data.n, s->data_timeline.n);
	for (size_t i = 0; i < report.data.n; i++)
		assert_int_equal(report.data.items[i].us, s->data_timeline.samples[i].us);
	boot_report_done(&report);
}

static void take(const struct boot_share *share)
{
	struct boot_share told;

	boot_share_take(share, &told);
	assert_fit(&told);
	print(&told);
}

static void test_anything(void **state)
{
	static const int fills[] = { 0x00, 0x7f, 0x80, 0xff };
	struct boot_share share;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fills); i++) {
		memset((void *)&share, fills[i], sizeof(share));
		take(&share);
	}
	srandom(1);
	for (int round = 0; round < 100; round++) {
		for (size_t i = 0; i < sizeof(share); i++)
			((unsigned char *)(void *)&share)[i] = (unsigned char)random();
		take(&share);
	}
}

static void test_what_is_right_stays(void **state)
{
	struct boot_share share = { .deadline_ms = 30000,
				    .n_objects = 3,
				    .n_pages = 12,
				    .outcome = BOOT_BAD_PACK,
				    .error = -ESTALE,
				    .n_skips = { [OBJECT_GONE] = 3 } },
			  told;

	(void)state;
	share.data.stop = BOOT_STOP_BUDGET;
	boot_share_take(&share, &told);
	assert_memory_equal(&share, &told, sizeof(share));
	share.deadline_ms = 4000000000u; /* 46 days */
	assert_int_equal(boot_share_deadline_ms(&share), 3600000);
}

static void test_timeline(void **state)
{
	static struct boot_timeline t;

	(void)state;
	memset(&t, 0, sizeof(t));
	for (uint32_t i = 0; i < 5; i++)
		boot_timeline_add(&t, (struct boot_sample){ i * 1000, i, i });
	assert_int_equal(t.n, 5);
	/* Closer than a millisecond: where it has come to counts. */
	boot_timeline_add(&t, (struct boot_sample){ 4100, 50, 50 });
	boot_timeline_add(&t, (struct boot_sample){ 4200, 51, 51 });
	assert_int_equal(t.n, 6);
	assert_int_equal(t.samples[5].asked_pages, 51);
	for (uint32_t i = 0; i < 100000; i++) {
		boot_timeline_add(&t, (struct boot_sample){ 5000 + i * 500, 60 + i, 0 });
		assert_true(t.n <= BOOT_SAMPLES);
		assert_int_equal(t.samples[t.n - 1].asked_pages, 60 + i);
	}
	/* All of that time, in nearly equal steps. */
	assert_true(t.n > BOOT_SAMPLES / 3);
	assert_true(t.samples[0].us < 1000000);
	for (uint32_t i = 1; i < t.n; i++)
		assert_true(t.samples[i].us > t.samples[i - 1].us &&
			    t.samples[i].us - t.samples[i - 1].us < 1000000);
}

static void test_timelines_are_joined(void **state)
{
	static struct boot_share early, told;

	(void)state;
	boot_timeline_add(&early.data_timeline, (struct boot_sample){ 0, 0, 0 });
	boot_timeline_add(&early.data_timeline, (struct boot_sample){ 5000, 40, 100 });
	early.data.pages_asked = 40;
	early.data.bytes_read = 100 << 10;
	early.data_eager.from_us = 1000000;
	boot_timeline_add(&told.data_timeline, (struct boot_sample){ 0, 0, 0 });
	boot_timeline_add(&told.data_timeline, (struct boot_sample){ 7000, 2, 8 });
	boot_timeline_add(&told.metadata_timeline, (struct boot_sample){ 3000, 1, 4 });
	/* Nothing of it was gone on with. */
	assert_int_equal(boot_timelines_join(&told, &early, 1500000), 1500000);
	assert_int_equal(told.data_timeline.n, 2);
	told.data_continued = 1;
	assert_int_equal(boot_timelines_join(&told, &early, 1500000), 1000000);
	assert_int_equal(told.data_timeline.n, 4);
	assert_int_equal(told.data_timeline.samples[1].us, 5000);
	assert_int_equal(told.data_timeline.samples[2].us, 500000);
	assert_int_equal(told.data_timeline.samples[2].asked_pages, 40);
	assert_int_equal(told.data_timeline.samples[3].us, 507000);
	assert_int_equal(told.data_timeline.samples[3].asked_pages, 42);
	assert_int_equal(told.data_timeline.samples[3].read_kib, 108);
	assert_int_equal(told.metadata_timeline.n, 1);
	assert_int_equal(told.metadata_timeline.samples[0].us, 503000);
	assert_int_equal(told.metadata_timeline.samples[0].read_kib, 4);
	/* A moment after the second one began, and one of another week. */
	early.data_eager.from_us = 1500001;
	assert_int_equal(boot_timelines_join(&told, &early, 1500000), 1500000);
	early.data_eager.from_us = 1;
	assert_true(boot_timelines_join(&told, &early, UINT64_C(1) << 40) == UINT64_C(1)
										     << 40);
}

/* What a thread tells late is no step back, nor what an early run counted after its last moment. */
static void test_timelines_do_not_fall(void **state)
{
	static struct boot_share early, told;
	const struct boot_timeline *t = &told.data_timeline;

	(void)state;
	boot_timeline_add(&early.data_timeline, (struct boot_sample){ 0, 0, 0 });
	boot_timeline_add(&early.data_timeline, (struct boot_sample){ 5000, 40, 100 });
	boot_timeline_add(&early.data_timeline, (struct boot_sample){ 8000, 30, 120 });
	assert_int_equal(early.data_timeline.samples[2].asked_pages, 40);
	early.data.pages_asked = 30;
	early.data.bytes_read = 90 << 10;
	early.data_eager.from_us = 1000000;
	boot_timeline_add(&told.data_timeline, (struct boot_sample){ 0, 0, 0 });
	boot_timeline_add(&told.data_timeline, (struct boot_sample){ 7000, 20, 8 });
	told.data_continued = 1;
	/* Where the second began before the last moment of the first, too. */
	assert_int_equal(boot_timelines_join(&told, &early, 1006000), 1000000);
	assert_true(t->n >= 3);
	for (uint32_t i = 1; i < t->n; i++) {
		assert_true(t->samples[i].us >= t->samples[i - 1].us);
		assert_true(t->samples[i].asked_pages >= t->samples[i - 1].asked_pages);
		assert_true(t->samples[i].read_kib >= t->samples[i - 1].read_kib);
	}
	assert_int_equal(t->samples[t->n - 1].asked_pages, 50);
	assert_int_equal(t->samples[t->n - 1].read_kib, 120);
}

/* Two runs are one in the report, but only where the second went on with what the first did. */
static void test_runs_are_added(void **state)
{
	struct boot_share early = { .n_skips = { 0 } }, told = { .n_skips = { 0 } };

	(void)state;
	early.data.pages_asked = 40;
	early.metadata.bytes_read = 4096;
	early.data_eager =
		(struct boot_eager){ .pages_asked = 40, .from_us = 7, .until_us = 9 };
	told.data.pages_asked = 2;
	told.data_eager =
		(struct boot_eager){ .pages_asked = 2, .from_us = 50, .until_us = 60 };
	boot_early_add(&told, &early);
	assert_int_equal(told.data.pages_asked, 2);
	assert_int_equal(told.data_eager.from_us, 50);
	told.plan = BOOT_PLAN_CONTROL;
	boot_early_add(&told, &early);
	assert_int_equal(told.plan, BOOT_PLAN_CONTROL);
	early.plan = BOOT_PLAN_EAGER; /* what was read was read */
	told.data_continued = told.metadata_continued = 1;
	boot_early_add(&told, &early);
	assert_int_equal(told.plan, BOOT_PLAN_EAGER);
	assert_int_equal(told.data.pages_asked, 42);
	assert_int_equal(told.data_eager.pages_asked, 42);
	assert_int_equal(told.early_pages_asked, 40);
	assert_int_equal(told.data_eager.from_us, 7);
	assert_int_equal(told.data_eager.until_us, 9);
	assert_int_equal(told.metadata.bytes_read, 4096);
	told.plan = BOOT_PLAN_UNUSED; /* as the second one saw */
	boot_early_add(&told, &early);
	assert_int_equal(told.plan, BOOT_PLAN_UNUSED);
}

static void test_fates_are_of_one_container(void **state)
{
	static const uint8_t skips[] = { OBJECT_USED, OBJECT_GONE };
	struct shadow_header header = { .xxh3 = le64_make(1) },
			     other = { .xxh3 = le64_make(2) };
	struct shadow_buffer b = { .data = (uint8_t *)&header,
				   .shadow = { .n_objects = 2 } };
	struct boot_fates f = { .n = 0 };

	(void)state;
	assert_null(boot_fates_get(&f, &b));
	boot_fates_put(&f, &b, NULL);
	assert_null(boot_fates_get(&f, &b));
	boot_fates_put(&f, &b, skips);
	assert_memory_equal(boot_fates_get(&f, &b), skips, sizeof(skips));
	b.data = (uint8_t *)&other;
	assert_null(boot_fates_get(&f, &b));
	b.data = (uint8_t *)&header;
	b.shadow.n_objects = 1;
	assert_null(boot_fates_get(&f, &b));
	f.n = 0;
	b.shadow.n_objects = BOOT_FATES + 1;
	boot_fates_put(&f, &b, skips);
	assert_int_equal(f.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anything),
		cmocka_unit_test(test_what_is_right_stays),
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_timelines_are_joined),
		cmocka_unit_test(test_timelines_do_not_fall),
		cmocka_unit_test(test_runs_are_added),
		cmocka_unit_test(test_fates_are_of_one_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
