/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as a fingerprint: refused, or written back as it was, merged in any order to the same
 * text, and looked for in a file that it has nothing to do with. What stands in a second line is what ran of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "fingerprint.h"
#include "retarget.h"
#include "unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                 \
	do {                                                                               \
		if (!(condition))                                                          \
			abort();                                                           \
	} while (0)

/* A file of its own: functions of 16 to 272 bytes, a piece of data each 32 bytes. */
static void make_layout(struct layout *l)
{
	struct unwind_range ranges[256];
	uint8_t data[8192];
	uint64_t at = 0x1000;

	*l = (struct layout){ .file_bytes = 0x20000, .content_hash = 1 };
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i >> 3);
	REQUIRE(layout_add_section(l, SECTION_CODE, ".text", 0x1000, 0x1000, 0xa000) == 0);
	REQUIRE(layout_add_section(l, SECTION_DATA, ".rodata", 0xc000, 0xc000, 0x2000) ==
		0);
	REQUIRE(layout_add_section(l, SECTION_WRITABLE, ".data", 0xf000, 0xf000, 0x5000) ==
		0);
	REQUIRE(layout_finish_sections(l) == 0);
	for (size_t i = 0; i < 256; i++) {
		ranges[i] = (struct unwind_range){ at, 16 + i * 31 % 257 };
		at += (ranges[i].bytes + 15) & ~(uint64_t)15;
	}
	REQUIRE(layout_set_units(l, ranges, 256) == 0);
	REQUIRE(layout_add_pieces(l, data, sizeof(data), 0xc000) == 0);
}

static char *merge(const char *a, const char *b)
{
	char *text = NULL;

	REQUIRE(fingerprint_merge(a, b, &text) == 0);
	return text;
}

static void check_merge(const char *text, const struct layout *l)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_free_ char *other = NULL, *ab = NULL, *ba = NULL, *again = NULL;
	struct page_range all = { 0, 32 };

	REQUIRE(fingerprint_make(l, &all, 1, FINGERPRINT_SIZES, &f) == 0);
	REQUIRE(fingerprint_write(&f, &other) == 0);
	ab = merge(text, other);
	ba = merge(other, text);
	REQUIRE(strcmp(ab, ba) == 0);
	again = merge(ab, text);
	REQUIRE(strcmp(again, ab) == 0);
}

/* A page each of what it knows, and all at the end. */
static void check_retarget(const struct fingerprint *f, const struct layout *l)
{
	_cleanup_(pageset_done) struct pageset pages = { 0 };
	_cleanup_(retargeted_done) struct retargeted r = { 0 };
	uint32_t n = (uint32_t)MIN(DIV_ROUND_UP(f->file_bytes, PAGE_BYTES), 4096u);

	for (size_t i = 0; i < f->n_code; i++)
		REQUIRE(pageset_append(&pages, &(struct page_run){ f->code[i].pgno, 1, 1,
								   i % 100 }) == 0);
	if (pageset_end(&pages) < n)
		REQUIRE(pageset_append(&pages, &(struct page_run){ pageset_end(&pages),
								   n - pageset_end(&pages),
								   2, 3 }) == 0);
	REQUIRE(retarget_pages(f, &pages, "/usr/bin/app", l, &r) == 0);
	REQUIRE(r.confidence <= 100 && r.coverage <= 100);
	REQUIRE(pageset_end(&r.pages) <= 0x20);
}

/* RAN is made to name TEXT, which chance would not do: 30 bits of 32. */
static void check_ran(struct fingerprint *f, const char *text, char *ran)
{
	_cleanup_free_ char *again = NULL, *both = NULL, *name = NULL;
	size_t bytes = strlen(ran);
	uint8_t one[UINT8_MAX] = { 1 };
	int r;

	if (f->n_code && bytes > 6) {
		REQUIRE(fingerprint_set_ran(f, 0, one) == 0);
		REQUIRE(fingerprint_write_ran(f, text, &name) == 0);
		memcpy(ran, name, 5);
	}
	r = fingerprint_read_ran(f, text, ran, bytes);
	REQUIRE(r == 0 || r == -EINVAL || r == -ESTALE);
	if (r < 0)
		return;
	REQUIRE(fingerprint_write_ran(f, text, &again) == 0 && strcmp(ran, again) == 0);
	REQUIRE(fingerprint_merge_ran(text, ran, text, NULL, text, &both) == 0);
	REQUIRE(strcmp(both, ran) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(layout_done) struct layout l = { 0 };
	_cleanup_free_ char *text = strndup((const char *)data, size), *again = NULL;
	char *ran;
	int r;

	REQUIRE(text);
	ran = strchr(text, '\n');
	if (ran)
		*ran++ = 0;
	r = fingerprint_read(text, strlen(text), &f);
	REQUIRE(r == 0 || r == -EINVAL || r == -ESTALE);
	if (r < 0)
		return 0;
	if (ran)
		check_ran(&f, text, ran);
	REQUIRE(fingerprint_write(&f, &again) == 0 && strcmp(text, again) == 0);
	make_layout(&l);
	check_merge(text, &l);
	check_retarget(&f, &l);
	return 0;
}
