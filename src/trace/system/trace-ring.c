/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "macro.h"
#include "trace-ring.h"

/* Types of records, in the low five bits of their head; below: data of that many words. */
enum {
	LARGEST_SHORT = 28,
	PADDING = 29,
	TIME_EXTEND = 30,
	TIME_STAMP = 31,
};

#define DELTA_BITS  27
/* The two highest bits of the length tell of lost events. */
#define LENGTH_MASK 0x3fffffffu

/* ---- texts ---- */

/* Whether LINE, up to its semicolon, declares NAME: "field:unsigned long i_ino;". */
static bool declares(const char *line, size_t bytes, const char *name)
{
	const char *end = memchr(line, ';', bytes);
	size_t n = strlen(name);

	return end && (size_t)(end - line) > n && memcmp(end - n, name, n) == 0 &&
	       end[-(ptrdiff_t)n - 1] == ' ';
}

static bool parse_field(const char *line, size_t bytes, struct ring_field *ret)
{
	char copy[256];
	const char *off, *size;

	if (bytes >= sizeof(copy))
		return false;
	memcpy(copy, line, bytes);
	copy[bytes] = 0;
	off = strstr(copy, "offset:");
	size = strstr(copy, "size:");
	if (!off || !size)
		return false;
	ret->off = strtoul(off + strlen("offset:"), NULL, 10);
	ret->bytes = strtoul(size + strlen("size:"), NULL, 10);
	return ret->off < 65536 && ret->bytes <= 65536;
}

bool ring_find_field(const char *text, const char *name, struct ring_field *ret)
{
	for (const char *line = text; *line;) {
		size_t bytes = strcspn(line, "\n");

		if (declares(line, bytes, name))
			return parse_field(line, bytes, ret);
		line += bytes + (line[bytes] == '\n');
	}
	return false;
}

bool ring_find_number(const char *text, const char *name, uint64_t *ret)
{
	size_t n = strlen(name);

	for (const char *line = text; *line;) {
		size_t bytes = strcspn(line, "\n");

		if (bytes > n + 1 && memcmp(line, name, n) == 0 && line[n] == ':') {
			*ret = strtoull(line + n + 1, NULL, 10);
			return true;
		}
		line += bytes + (line[bytes] == '\n');
	}
	return false;
}

int ring_layout_parse(const char *header_page, struct ring_layout *ret)
{
	struct ring_layout l;

	if (!ring_find_field(header_page, "commit", &l.commit) ||
	    !ring_find_field(header_page, "data", &l.data) || l.commit.off < 8 ||
	    (l.commit.bytes != 4 && l.commit.bytes != 8) ||
	    l.data.off < l.commit.off + l.commit.bytes)
		return -EINVAL;
	*ret = l;
	return 0;
}

/* ---- pages ---- */

static uint64_t load(const uint8_t *p, size_t bytes)
{
	uint64_t x64;
	uint32_t x32;

	/* The kernel's own byte order. */
	if (bytes == 8) {
		memcpy(&x64, p, 8);
		return x64;
	}
	memcpy(&x32, p, 4);
	return x32;
}

int ring_open(struct ring_reader *r, const struct ring_layout *layout, const void *page,
	      size_t bytes)
{
	size_t length;

	if (bytes < layout->data.off)
		return -EBADMSG;
	*r = (struct ring_reader){ .page = page, .pos = layout->data.off };
	length = load(r->page + layout->commit.off, layout->commit.bytes) & LENGTH_MASK;
	if (length > bytes - layout->data.off)
		return -EBADMSG;
	r->end = layout->data.off + length;
	r->time_ns = load(r->page, 8);
	return 0;
}

static bool take_word(struct ring_reader *r, uint32_t *ret)
{
	if (r->end - r->pos < 4)
		return false;
	*ret = (uint32_t)load(r->page + r->pos, 4);
	r->pos += 4;
	return true;
}

static bool take_bytes(struct ring_reader *r, size_t bytes)
{
	if (r->end - r->pos < bytes)
		return false;
	r->pos += bytes;
	return true;
}

/* A record longer than 28 words, or padding: the first word is the length, itself included. */
static bool take_long(struct ring_reader *r, size_t *ret_bytes)
{
	uint32_t length;

	if (!take_word(r, &length) || length < 4)
		return false;
	*ret_bytes = length - 4;
	return take_bytes(r, DIV_ROUND_UP(*ret_bytes, 4) * 4);
}

bool ring_next(struct ring_reader *r, struct ring_record *ret)
{
	uint32_t head, word;

	while (take_word(r, &head)) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		uint32_t type = head & 31, delta = head >> 5;
#else
		uint32_t type = head >> DELTA_BITS, delta = head & ((1u << DELTA_BITS) - 1);
#endif
		size_t start = r->pos, bytes = type * 4u;

		if (type >= TIME_EXTEND) {
			if (!take_word(r, &word))
				return false;
			if (type == TIME_EXTEND)
				r->time_ns += ((uint64_t)word << DELTA_BITS) + delta;
			else /* 59 bits; the others stay */
				r->time_ns = (r->time_ns >> 59 << 59) |
					     (uint64_t)word << DELTA_BITS | delta;
			continue;
		}
		if (type == PADDING) {
			if (delta == 0 || !take_long(r, &bytes))
				return false; /* nothing more on this page */
			r->time_ns += delta;
			continue;
		}
		if (type == 0) {
			start += 4;
			if (!take_long(r, &bytes))
				return false;
		} else if (!take_bytes(r, bytes)) {
			return false;
		}
		r->time_ns += delta;
		*ret = (struct ring_record){ r->time_ns, r->page + start, bytes };
		return true;
	}
	return false;
}

/* ---- events ---- */

static bool is_number(const struct ring_field *f)
{
	return f->bytes == 4 || f->bytes == 8;
}

/* What all events have: their number, and the thread that ran. */
static bool parse_common(const char *text, uint16_t *ret_type, struct ring_field *ret_pid)
{
	uint64_t id;

	if (!ring_find_number(text, "ID", &id) || id > UINT16_MAX ||
	    !ring_find_field(text, "common_pid", ret_pid) || ret_pid->bytes != 4)
		return false;
	*ret_type = (uint16_t)id;
	return true;
}

int page_event_format_parse(const char *text, const char *first, const char *last,
			    struct page_event_format *ret)
{
	struct page_event_format f;

	if (!parse_common(text, &f.type, &f.pid) ||
	    !ring_find_field(text, "s_dev", &f.dev) ||
	    !ring_find_field(text, "i_ino", &f.ino) ||
	    !ring_find_field(text, first, &f.first) ||
	    !ring_find_field(text, last ? last : first, &f.last) || f.dev.bytes != 4 ||
	    !is_number(&f.ino) || !is_number(&f.first) || !is_number(&f.last))
		return -EINVAL;
	*ret = f;
	return 0;
}

int touch_event_format_parse(const char *text, struct touch_event_format *ret)
{
	struct touch_event_format f;

	if (!parse_common(text, &f.type, &f.pid) ||
	    !ring_find_field(text, "address", &f.address) || !is_number(&f.address))
		return -EINVAL;
	*ret = f;
	return 0;
}

int block_event_format_parse(const char *text, struct block_event_format *ret)
{
	struct block_event_format f;
	struct ring_field pid;

	if (!parse_common(text, &f.type, &pid) || !ring_find_field(text, "dev", &f.dev) ||
	    !ring_find_field(text, "sector", &f.first) ||
	    !ring_find_field(text, "nr_sector", &f.n) || f.dev.bytes != 4 ||
	    !is_number(&f.first) || !is_number(&f.n))
		return -EINVAL;
	*ret = f;
	return 0;
}

static bool get(const struct ring_record *r, const struct ring_field *f, uint64_t *ret)
{
	if (r->bytes < f->bytes || f->off > r->bytes - f->bytes)
		return false;
	*ret = load(r->data + f->off, f->bytes);
	return true;
}

static bool is_of_type(const struct ring_record *r, uint16_t wanted)
{
	uint16_t type;

	if (r->bytes < sizeof(type))
		return false;
	memcpy(&type, r->data, sizeof(type));
	return type == wanted;
}

bool page_event_decode(const struct page_event_format *format,
		       const struct ring_record *record, struct page_event *ret)
{
	struct page_event e;
	uint64_t dev, pid;

	if (!is_of_type(record, format->type) || !get(record, &format->pid, &pid) ||
	    !get(record, &format->dev, &dev) || !get(record, &format->ino, &e.ino) ||
	    !get(record, &format->first, &e.first_pgno) ||
	    !get(record, &format->last, &e.last_pgno) || e.last_pgno < e.first_pgno)
		return false;
	e.dev = (uint32_t)dev;
	e.pid = (uint32_t)pid;
	*ret = e;
	return true;
}

bool touch_event_decode(const struct touch_event_format *format,
			const struct ring_record *record, struct touch_event *ret)
{
	struct touch_event e;
	uint64_t pid;

	if (!is_of_type(record, format->type) || !get(record, &format->pid, &pid) ||
	    !get(record, &format->address, &e.address))
		return false;
	e.pid = (uint32_t)pid;
	*ret = e;
	return true;
}

bool block_event_decode(const struct block_event_format *format,
			const struct ring_record *record, struct block_event *ret)
{
	struct block_event e;
	uint64_t dev;

	if (!is_of_type(record, format->type) || !get(record, &format->dev, &dev) ||
	    !get(record, &format->first, &e.first_sector) ||
	    !get(record, &format->n, &e.n_sectors))
		return false;
	e.dev = (uint32_t)dev;
	*ret = e;
	return true;
}
