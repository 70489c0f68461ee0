/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event tracer's buffers: the input is a header_page text, NUL, an event's format text,
 * NUL, one page. Records lie inside the page, one behind the other.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "trace-ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* The text up to the next NUL, copied; NULL: there is none. */
static char *take_text(const uint8_t **data, size_t *size)
{
	const uint8_t *nul = memchr(*data, 0, *size);
	char *text = nul ? strdup((const char *)*data) : NULL;

	if (!nul)
		return NULL;
	*size -= (size_t)(nul + 1 - *data);
	*data = nul + 1;
	return text;
}

static void walk(struct ring_reader *reader, const struct page_event_format *format,
		 const struct touch_event_format *touch,
		 const struct block_event_format *block, const uint8_t *page, size_t size)
{
	const uint8_t *end = page;
	struct ring_record record;
	struct touch_event t;
	struct block_event b;
	struct page_event e;

	while (ring_next(reader, &record)) {
		check(record.data >= end && record.bytes <= size &&
		      record.data + record.bytes <= page + size);
		end = record.data + record.bytes;
		if (page_event_decode(format, &record, &e))
			check(e.first_pgno <= e.last_pgno);
		touch_event_decode(touch, &record, &t);
		block_event_decode(block, &record, &b);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *header = take_text(&data, &size), *text = NULL;
	struct page_event_format format = { 0 };
	struct touch_event_format touch = { 0 };
	struct block_event_format block = { 0 };
	struct ring_layout layout;
	struct ring_reader reader;
	uint64_t number;

	text = header ? take_text(&data, &size) : NULL;
	if (!text)
		return 0;
	ring_find_number(text, "ID", &number);
	page_event_format_parse(text, "index", NULL, &format);
	page_event_format_parse(text, "index", "last_index", &format);
	touch_event_format_parse(text, &touch);
	block_event_format_parse(text, &block);
	if (ring_layout_parse(header, &layout) < 0 ||
	    ring_open(&reader, &layout, data, size) < 0)
		return 0;
	walk(&reader, &format, &touch, &block, data, size);
	return 0;
}
