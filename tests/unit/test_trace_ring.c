/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "macro.h"
#include "trace-ring.h"
#include "trace-system.h"

static const char header_page[] =
	"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
	"\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
	"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
	"\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n";
static const char format_text[] =
	"name: mm_filemap_get_pages\nID: 599\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:unsigned long i_ino;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:dev_t s_dev;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long index;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long last_index;\toffset:32;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"dev=%d ID: 3 i_ino; \", REC->s_dev\n";

static const char touch_text[] =
	"name: page_fault_user\nID: 61\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:unsigned long address;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long ip;\toffset:16;\tsize:8;\tsigned:0;\n";

static const char block_text[] =
	"name: block_bio_queue\nID: 62\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:dev_t dev;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:sector_t sector;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int nr_sector;\toffset:32;\tsize:4;\tsigned:0;\n"
	"\tfield:char rwbs[10];\toffset:36;\tsize:10;\tsigned:0;\n";

struct event_data {
	uint16_t type;
	uint8_t flags[2];
	int32_t pid;
	uint64_t ino;
	uint32_t dev, pad;
	uint64_t index, last_index;
};

struct page {
	uint64_t time, commit;
	uint32_t words[1020];
};

static struct page page;
static struct ring_layout layout;
static struct page_event_format format;

static int setup(void **state)
{
	(void)state;
	memset(&page, 0, sizeof(page));
	page.time = 1000;
	return ring_layout_parse(header_page, &layout) < 0 ||
	       page_event_format_parse(format_text, "index", "last_index", &format) < 0;
}

static void put(uint32_t word)
{
	page.words[page.commit / 4] = word;
	page.commit += 4;
}

static uint32_t head(uint32_t type, uint32_t delta)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return delta << 5 | type;
#else
	return type << 27 | delta;
#endif
}

static void put_data(const void *data, size_t bytes)
{
	memcpy((uint8_t *)page.words + page.commit, data, bytes);
	page.commit += DIV_ROUND_UP(bytes, 4) * 4;
}

static void put_event(uint32_t delta, const struct event_data *e)
{
	put(head(sizeof(*e) / 4, delta));
	put_data(e, sizeof(*e));
}

static const struct event_data good = {
	.type = 599, .pid = 4711, .ino = 12, .dev = 0xfe00001, .index = 3, .last_index = 5
};

static void open_page(struct ring_reader *r)
{
	assert_int_equal(ring_open(r, &layout, &page, sizeof(page)), 0);
}

static void test_texts(void **state)
{
	struct page_event_format f;
	struct ring_layout l;
	struct ring_field field;
	uint64_t x;
	(void)state;

	assert_int_equal(layout.commit.off, 8);
	assert_int_equal(layout.commit.bytes, 8);
	assert_int_equal(layout.data.off, 16);
	assert_int_equal(format.type, 599);
	assert_int_equal(format.dev.off, 16);
	assert_int_equal(format.last.off, 32);
	assert_true(ring_find_field(format_text, "index", &field));
	assert_int_equal(field.off, 24); /* not that of last_index */
	assert_false(ring_find_field(format_text, "inde", &field));
	assert_false(ring_find_field(format_text, "pos", &field));
	assert_true(ring_find_number("entries: 1\noverrun: 7\ndropped events: 9\n",
				     "dropped events", &x));
	assert_int_equal(x, 9);
	assert_true(ring_find_number("commit overrun: 3\noverrun: 7\n", "overrun", &x));
	assert_int_equal(x, 7);
	assert_false(ring_find_number("", "overrun", &x));
	assert_int_equal(page_event_format_parse(format_text, "pos", NULL, &f), -EINVAL);
	assert_int_equal(page_event_format_parse(format_text + 40, "index", NULL, &f),
			 -EINVAL);
	assert_int_equal(ring_layout_parse("", &l), -EINVAL);
	assert_int_equal(ring_layout_parse(format_text, &l), -EINVAL);
}

static void test_events(void **state)
{
	struct event_data other = good;
	struct ring_reader r;
	struct ring_record record;
	struct page_event e;
	(void)state;

	other.type = 600;
	put_event(10, &good);
	put_event(20, &other);
	open_page(&r);
	assert_true(ring_next(&r, &record));
	assert_int_equal(record.time_ns, 1010);
	assert_true(page_event_decode(&format, &record, &e));
	assert_int_equal(e.ino, 12);
	assert_int_equal(e.dev, 0xfe00001);
	assert_int_equal(e.pid, 4711);
	assert_int_equal(e.first_pgno, 3);
	assert_int_equal(e.last_pgno, 5);
	assert_true(ring_next(&r, &record));
	assert_int_equal(record.time_ns, 1030);
	assert_false(page_event_decode(&format, &record, &e));
	assert_false(ring_next(&r, &record));
}

static void test_touches(void **state)
{
	struct touch_event_format f;
	struct event_data touch = { .type = 61, .pid = 12, .ino = 0x7f0012345678 };
	struct ring_reader r;
	struct ring_record record;
	struct touch_event e;
	(void)state;

	assert_int_equal(touch_event_format_parse(touch_text, &f), 0);
	assert_int_equal(touch_event_format_parse(format_text, &f), -EINVAL);
	assert_int_equal(touch_event_format_parse(touch_text + 30, &f), -EINVAL);
	put_event(1, &good);
	put_event(1, &touch);
	open_page(&r);
	assert_true(ring_next(&r, &record));
	assert_false(touch_event_decode(&f, &record, &e));
	assert_true(ring_next(&r, &record));
	assert_true(touch_event_decode(&f, &record, &e));
	assert_int_equal(e.pid, 12);
	assert_int_equal(e.address, 0x7f0012345678); /* where the other has its inode */
	record.bytes = 15;			     /* ends inside it */
	assert_false(touch_event_decode(&f, &record, &e));
	record.bytes = 1;
	assert_false(touch_event_decode(&f, &record, &e));
}

/* N of 32 bits where the other event has 64, whichever half comes first. */
static uint64_t in_first_half(uint32_t n)
{
	uint64_t v = 0;

	memcpy(&v, &n, sizeof(n));
	return v;
}

static void test_blocks(void **state)
{
	const struct event_data block = { .type = 62,
					  .dev = 0x700001,
					  .index = 1 << 20,
					  .last_index = in_first_half(8) };
	struct block_event_format f;
	struct ring_reader r;
	struct ring_record record;
	struct block_event e;
	(void)state;

	assert_int_equal(block_event_format_parse(block_text, &f), 0);
	assert_int_equal(block_event_format_parse(format_text, &f), -EINVAL);
	assert_int_equal(block_event_format_parse(touch_text, &f), -EINVAL);
	put_event(1, &good);
	put_event(1, &block);
	open_page(&r);
	assert_true(ring_next(&r, &record));
	assert_false(block_event_decode(&f, &record, &e));
	assert_true(ring_next(&r, &record));
	assert_true(block_event_decode(&f, &record, &e));
	assert_int_equal(e.dev, 0x700001);
	assert_int_equal(e.first_sector, 1 << 20);
	assert_int_equal(e.n_sectors, 8);
	record.bytes = 35; /* ends inside the number of sectors */
	assert_false(block_event_decode(&f, &record, &e));
}

static void test_long_padding_and_times(void **state)
{
	uint8_t data[203] = { 0x57, 0x02 };
	struct ring_reader r;
	struct ring_record record;
	(void)state;

	put(head(30, 5)); /* time extends: 2 << 27, and 5 */
	put(2);
	put(head(0, 1)); /* a length of its own, a multiple of 4 it need not be */
	put(4 + sizeof(data));
	put_data(data, sizeof(data));
	put(head(29, 7)); /* discarded */
	put(4 + 12);
	put_data(data, 12);
	put(head(31, 3)); /* absolute */
	put(4);
	put_event(2, &good);
	put(head(29, 0)); /* the rest is empty */
	put_event(2, &good);
	open_page(&r);
	assert_true(ring_next(&r, &record));
	assert_int_equal(record.time_ns, 1000 + ((uint64_t)2 << 27) + 5 + 1);
	assert_int_equal(record.bytes, sizeof(data));
	assert_memory_equal(record.data, data, sizeof(data));
	assert_true(ring_next(&r, &record));
	assert_int_equal(record.time_ns, ((uint64_t)4 << 27) + 3 + 2);
	assert_int_equal(record.bytes, sizeof(good));
	assert_false(ring_next(&r, &record));
}

/* The two highest bits of the length only tell that events were lost. */
static void test_lost_events_before(void **state)
{
	struct ring_reader r;
	struct ring_record record;
	(void)state;

	put_event(1, &good);
	page.commit |= 3u << 30;
	open_page(&r);
	assert_true(ring_next(&r, &record));
	assert_false(ring_next(&r, &record));
}

static void test_damage(void **state)
{
	struct ring_reader r;
	struct ring_record record;
	struct page_event e;
	struct event_data backwards = good;
	(void)state;

	put_event(1, &good);
	assert_int_equal(ring_open(&r, &layout, &page, 15), -EBADMSG);
	assert_int_equal(ring_open(&r, &layout, &page, 16 + 43), -EBADMSG);
	page.commit = sizeof(page.words) + 4;
	assert_int_equal(ring_open(&r, &layout, &page, sizeof(page)), -EBADMSG);
	page.commit = 40; /* cut short */
	open_page(&r);
	assert_false(ring_next(&r, &record));
	page.commit = 0;
	put(head(0, 1));
	put(3); /* shorter than itself */
	open_page(&r);
	assert_false(ring_next(&r, &record));
	page.commit = 4;
	put(UINT32_MAX);
	open_page(&r);
	assert_false(ring_next(&r, &record));
	page.commit = 0;
	put(head(30, 1)); /* its second word is missing */
	open_page(&r);
	assert_false(ring_next(&r, &record));
	page.commit = 0;
	backwards.last_index = 2;
	put_event(1, &backwards);
	open_page(&r);
	assert_true(ring_next(&r, &record));
	assert_false(page_event_decode(&format, &record, &e));
	record.bytes = 39; /* ends inside the last field */
	assert_false(page_event_decode(&format, &record, &e));
}

/* ---- what a profile can hold ---- */

static void fill(struct trace_result *r, size_t n, uint32_t n_pages)
{
	*r = (struct trace_result){ .objects = calloc(n, sizeof(r->objects[0])),
				    .n_objects = n };
	assert_non_null(r->objects);
	for (size_t i = 0; i < n; i++) {
		struct trace_object *o = &r->objects[i];

		o->path = strdup(i % 2 ? "/usr/odd" : "/usr/even");
		o->n_pages = n_pages;
		o->when = calloc(n_pages, 1);
		assert_true(o->path && o->when);
		for (uint32_t k = 0; k < n_pages; k += 2)
			o->when[k] = i % 2 ? 20 : 10; /* odd ones later */
	}
}

static void expect_kept(struct trace_result *r, size_t n_even, size_t n_odd)
{
	size_t even = 0, odd = 0;

	for (size_t i = 0; i < r->n_objects; i++)
		*(strcmp(r->objects[i].path, "/usr/odd") == 0 ? &odd : &even) += 1;
	assert_int_equal(even, n_even);
	assert_int_equal(odd, n_odd);
	trace_result_done(r);
}

static void test_limit_objects(void **state)
{
	struct trace_result r;
	(void)state;

	fill(&r, LIMIT_PROFILE_OBJECTS, 1);
	assert_int_equal(trace_system_limit(&r), 0);
	expect_kept(&r, LIMIT_PROFILE_OBJECTS / 2, LIMIT_PROFILE_OBJECTS / 2);
	fill(&r, LIMIT_PROFILE_OBJECTS + 6, 1);
	assert_int_equal(trace_system_limit(&r), 6);
	expect_kept(&r, LIMIT_PROFILE_OBJECTS / 2 + 3, LIMIT_PROFILE_OBJECTS / 2 - 3);
}

/* Two of these are a little more than a profile's text can hold. */
static void test_limit_runs(void **state)
{
	struct trace_result r;
	(void)state;

	fill(&r, 2, LIMIT_PROFILE_PAGE_RUNS);
	assert_int_equal(trace_system_limit(&r), 1);
	expect_kept(&r, 1, 0);
	fill(&r, 0, 1);
	assert_int_equal(trace_system_limit(&r), 0);
	expect_kept(&r, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_texts, setup),
		cmocka_unit_test_setup(test_events, setup),
		cmocka_unit_test_setup(test_touches, setup),
		cmocka_unit_test_setup(test_blocks, setup),
		cmocka_unit_test_setup(test_long_padding_and_times, setup),
		cmocka_unit_test_setup(test_lost_events_before, setup),
		cmocka_unit_test_setup(test_damage, setup),
		cmocka_unit_test(test_limit_objects),
		cmocka_unit_test(test_limit_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
