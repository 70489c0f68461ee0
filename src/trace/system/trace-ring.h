/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's event tracer hands out in binary: pages of its ring buffer
 * (Documentation/trace/ring-buffer-map.rst, include/linux/ring_buffer.h) and the texts that
 * describe its records. Parsers only: knows no file and trusts no length.
 */
#ifndef ELFCAST_TRACE_RING_H
#define ELFCAST_TRACE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring_field {
	size_t off, bytes;
};

/* Find the field NAME in the text of a "format" or "header_page" file. */
bool ring_find_field(const char *text, const char *name, struct ring_field *ret);
/* The number in a line "NAME: 123" of a "format" or "stats" file. */
bool ring_find_number(const char *text, const char *name, uint64_t *ret);

struct ring_layout {
	struct ring_field commit,
		data; /* in each page; 4 or 8 bytes, and where records begin */
};
int ring_layout_parse(const char *header_page, struct ring_layout *ret); /* or -EINVAL */

struct ring_reader {
	const uint8_t *page;
	size_t pos, end;
	uint64_t time_ns;
};

struct ring_record {
	uint64_t time_ns; /* of the buffer's clock */
	const uint8_t *data;
	size_t bytes;
};

/* -EBADMSG: not a page of records. Events lost before the page are not told apart. */
int ring_open(struct ring_reader *r, const struct ring_layout *layout, const void *page,
	      size_t bytes);
/* false: no further record, or the rest is damaged. */
bool ring_next(struct ring_reader *r, struct ring_record *ret);

/* An event of the page cache: pages of a file were needed, by PID. */
struct page_event {
	uint32_t dev; /* as the kernel counts: major << 20 | minor */
	uint32_t pid; /* of the thread */
	uint64_t ino, first_pgno, last_pgno;
};

struct page_event_format {
	uint16_t type;
	struct ring_field pid, dev, ino, first,
		last; /* last: as first, where there is one page */
};
/* LAST may be NULL. -EINVAL: the text does not describe such an event. */
int page_event_format_parse(const char *text, const char *first, const char *last,
			    struct page_event_format *ret);
/* Whether RECORD is one of FORMAT. */
bool page_event_decode(const struct page_event_format *format,
		       const struct ring_record *record, struct page_event *ret);

/* An event of the processor: PID touched ADDRESS, where nothing was mapped. */
struct touch_event {
	uint32_t pid;
	uint64_t address;
};

struct touch_event_format {
	uint16_t type;
	struct ring_field pid, address;
};
/* -EINVAL: the text does not describe such an event. */
int touch_event_format_parse(const char *text, struct touch_event_format *ret);
bool touch_event_decode(const struct touch_event_format *format,
			const struct ring_record *record, struct touch_event *ret);

/* An event of the block layer: SECTORS of 512 bytes were asked of a disk, or of a partition. */
struct block_event {
	uint32_t
		dev; /* as in struct page_event; a partition's sectors are those of its disk */
	uint64_t first_sector, n_sectors;
};

struct block_event_format {
	uint16_t type;
	struct ring_field dev, first, n;
};
/* -EINVAL: the text does not describe such an event. */
int block_event_format_parse(const char *text, struct block_event_format *ret);
bool block_event_decode(const struct block_event_format *format,
			const struct ring_record *record, struct block_event *ret);

#endif
