/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layouts, and what is kept of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "fingerprint.h"
#include "layout.h"
#include "unwind.h"

enum { CODE = 0x1000, CODE_BYTES = 0x40000, DATA = 0x50000, DATA_BYTES = 0x4000 };

static uint32_t state_of_random = 1;

static uint32_t next_random(void)
{
	state_of_random = state_of_random * 1664525u + 1013904223u;
	return state_of_random >> 8;
}

/* Functions of 16 to 1040 bytes, each tenth exported, and random data. */
static void make_layout(struct layout *l)
{
	struct unwind_range ranges[512];
	static uint8_t data[DATA_BYTES];
	uint64_t at = CODE;
	char name[32];
	size_t n = 0;

	state_of_random = 1;
	*l = (struct layout){ .file_bytes = 0x60000, .content_hash = 0x123456789abcdef };
	assert_int_equal(
		layout_add_section(l, SECTION_DATA, ".rodata", DATA, DATA, DATA_BYTES), 0);
	assert_int_equal(
		layout_add_section(l, SECTION_CODE, ".text", CODE, CODE, CODE_BYTES), 0);
	assert_int_equal(layout_finish_sections(l), 0);
	for (; n < 512 && at < CODE + CODE_BYTES - 2048; n++) {
		ranges[n] = (struct unwind_range){ at, 16 + next_random() % 1024 };
		at += (ranges[n].bytes + 15) & ~(uint64_t)15;
	}
	assert_int_equal(layout_set_units(l, ranges, n), 0);
	for (size_t i = 0; i < n; i += 10)
		assert_int_equal(layout_add_key(l, ranges[i].addr, false, name,
						(size_t)snprintf(name, sizeof(name),
								 "function_%zu", i)),
				 0);
	layout_finish_keys(l);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)next_random();
	assert_int_equal(layout_add_pieces(l, data, sizeof(data), DATA), 0);
}

static char *text_of(const struct layout *l, uint32_t first, uint32_t n,
		     enum fingerprint_level level)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	struct page_range range = { first, n };
	char *text = NULL;

	assert_int_equal(fingerprint_make(l, &range, 1, level, &f), 0);
	assert_int_equal(fingerprint_write(&f, &text), 0);
	return text;
}

static void test_codes(void **state)
{
	unsigned last = 0;

	(void)state;
	assert_int_equal(unit_code(0, false), 0);
	assert_int_equal(unit_code(8, false), 0);
	assert_int_equal(unit_code(16, false), 8);
	assert_int_equal(unit_code(4096, false), 72);
	assert_int_equal(unit_code(UINT64_MAX, false), 191);
	assert_int_equal(unit_code(64, true), 192);
	assert_int_equal(unit_code(128, true), 194);
	assert_int_equal(unit_code(UINT64_MAX, true), 255);
	for (uint64_t n = 8; n < 1 << 20; n += 1 + n / 64) {
		unsigned code = unit_code(n, false);
		uint64_t middle = unit_code_bytes((uint8_t)code);

		assert_true(code >= last && code <= last + 8);
		assert_int_equal(unit_code(middle, false), code);
		assert_int_equal(unit_code_bytes_near((uint8_t)code, n), n);
		assert_int_equal(
			unit_code(unit_code_bytes_near((uint8_t)code, n / 2), false), code);
		assert_int_equal(
			unit_code(unit_code_bytes_near((uint8_t)code, n * 2), false), code);
		assert_true(middle * 10 < n * 11 && n * 10 < middle * 11);
		last = code;
	}
}

static void test_sections(void **state)
{
	_cleanup_(layout_done) struct layout l = { .file_bytes = 1000 };

	(void)state;
	assert_int_equal(layout_add_section(&l, SECTION_CODE, "b", 0, 500, 100), 0);
	assert_int_equal(layout_add_section(&l, SECTION_CODE, "empty", 0, 700, 0), 0);
	assert_int_equal(layout_add_section(&l, SECTION_DATA, "a", 0, 100, 400), 0);
	assert_int_equal(layout_finish_sections(&l), 0);
	assert_int_equal(l.n_sections, 4);
	assert_int_equal(l.sections[0].kind, SECTION_HEAD);
	assert_int_equal(l.sections[1].kind, SECTION_DATA);
	assert_int_equal(l.sections[3].kind, SECTION_TAIL);
	assert_int_equal(l.sections[3].off, 600);
	assert_ptr_equal(layout_section_at(&l, 499), &l.sections[1]);
	assert_ptr_equal(layout_section_at(&l, 500), &l.sections[2]);
	assert_null(layout_section_at(&l, 1000));
}

static void test_bad_sections(void **state)
{
	static const struct {
		uint64_t off, bytes;
	} bad[] = { { 550, 100 }, { 590, 1 }, { 900, 101 }, { UINT64_MAX, 2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(layout_done) struct layout l = { .file_bytes = 1000 };

		assert_int_equal(layout_add_section(&l, SECTION_CODE, "a", 0, 500, 100), 0);
		assert_int_equal(layout_add_section(&l, SECTION_CODE, "b", 0, bad[i].off,
						    bad[i].bytes),
				 0);
		assert_int_equal(layout_finish_sections(&l), -EBADMSG);
	}
	{
		_cleanup_(layout_done) struct layout l = { .file_bytes = 100000 };

		for (size_t i = 0; i < LIMIT_SECTIONS; i++)
			assert_int_equal(
				layout_add_section(&l, SECTION_TABLE, "a", 0, i, 1), 0);
		assert_int_equal(layout_add_section(&l, SECTION_TABLE, "a", 0, 999, 1),
				 -E2BIG);
	}
}

/* Ranges that overlap, repeat, leave the section, or say nothing. */
static void test_lying_ranges(void **state)
{
	_cleanup_(layout_done) struct layout l = { .file_bytes = 0x3000 };
	const struct unwind_range ranges[] = {
		{ 0x1500, UINT64_MAX }, { 0x1100, 0x500 }, { 0x1100, 0x20 }, { 0x1200, 0 },
		{ 0x2500, 16 },		{ 0xfff, 0x10 },   { 0x1a00, 0x10 },
	};

	(void)state;
	assert_int_equal(
		layout_add_section(&l, SECTION_CODE, ".text", 0x1000, 0x1000, 0x1000), 0);
	assert_int_equal(layout_finish_sections(&l), 0);
	assert_int_equal(layout_set_units(&l, ranges, ARRAY_SIZE(ranges)), 0);
	assert_int_equal(l.n_units, 6);
	assert_true(unit_is_gap(l.units[0].code));
	assert_int_equal(l.units[0].bytes, 0x100);
	assert_int_equal(l.units[1].off, 0x1100);
	assert_int_equal(l.units[1].bytes, 0x100);
	assert_true(unit_is_gap(l.units[2].code));
	assert_int_equal(l.units[3].off, 0x1500);
	assert_int_equal(l.units[3].bytes, 0x500);
	assert_int_equal(l.units[4].off, 0x1a00);
	assert_true(unit_is_gap(l.units[5].code));
	assert_int_equal(l.units[5].off + l.units[5].bytes, 0x2000);
}

/* Pieces behind an insertion are cut where they were. */
static void test_pieces(void **state)
{
	_cleanup_(layout_done) struct layout a = { 0 }, b = { 0 };
	static uint8_t data[DATA_BYTES + 7];
	size_t same = 0;

	(void)state;
	state_of_random = 7;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)next_random();
	assert_int_equal(layout_add_pieces(&a, data + 7, DATA_BYTES, 0), 0);
	assert_int_equal(layout_add_pieces(&b, data, DATA_BYTES + 7, 0), 0);
	assert_true(a.n_pieces > DATA_BYTES / 64 && a.n_pieces < DATA_BYTES / 24);
	for (size_t i = 0, k = 0; i < a.n_pieces; i++) {
		while (k < b.n_pieces && b.pieces[k].off < a.pieces[i].off + 7)
			k++;
		same += k < b.n_pieces && b.pieces[k].off == a.pieces[i].off + 7 &&
			b.pieces[k].hash == a.pieces[i].hash;
	}
	assert_true(same + 4 >= a.n_pieces);
}

static void test_round_trip(void **state)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(layout_done) struct layout l = { 0 };
	_cleanup_free_ char *text = NULL, *again = NULL;

	(void)state;
	make_layout(&l);
	text = text_of(&l, 0, 0x60, FINGERPRINT_KEYS);
	assert_int_equal(fingerprint_read(text, strlen(text), &f), 0);
	assert_int_equal(f.file_bytes, 0x60000);
	assert_int_equal(f.content_hash, 0x123456789abcdef);
	assert_int_equal(f.n_sections, l.n_sections);
	assert_int_equal(f.sections[1].off, CODE);
	assert_int_equal(f.n_code, CODE_BYTES / PAGE_BYTES);
	assert_int_equal(f.n_data, DATA_BYTES / PAGE_BYTES);
	assert_int_equal(f.data[0].n_marks, 4);
	assert_int_equal(f.code[0].pgno, 1);
	assert_int_equal(f.code[0].lead_back, 0);
	assert_int_equal(f.code[0].codes[0], l.units[0].code);
	assert_int_equal(l.keys[0].unit, 0);
	assert_int_equal(f.code[0].keys[0].index, 0);
	assert_int_equal(f.code[0].keys[0].hash, l.keys[0].hash);
	assert_int_equal(fingerprint_write(&f, &again), 0);
	assert_string_equal(text, again);
}

/* What belongs to two units tells neither; what is in none, or in the midst, nothing. */
static void test_keys(void **state)
{
	_cleanup_(layout_done) struct layout l = { .file_bytes = 0x3000 };
	const struct unwind_range ranges[] = { { 0x1000, 64 },
					       { 0x1040, 64 },
					       { 0x1080, 64 } };

	(void)state;
	assert_int_equal(layout_add_section(&l, SECTION_CODE, ".text", 0x1000, 0x800, 192),
			 0);
	assert_int_equal(layout_finish_sections(&l), 0);
	assert_int_equal(layout_set_units(&l, ranges, ARRAY_SIZE(ranges)), 0);
	assert_int_equal(layout_add_key(&l, 0x1090, true, "b", 1), 0);
	assert_int_equal(layout_add_key(&l, 0x1000, true, "twice", 5), 0);
	assert_int_equal(layout_add_key(&l, 0x1040, true, "twice", 5), 0);
	assert_int_equal(layout_add_key(&l, 0x1000, true, "same", 4), 0);
	assert_int_equal(layout_add_key(&l, 0x1010, true, "same", 4), 0);
	assert_int_equal(layout_add_key(&l, 0x1044, false, "midst", 5), 0);
	assert_int_equal(layout_add_key(&l, 0x2000, true, "outside", 7), 0);
	assert_int_equal(layout_add_constant(&l, 0x1090, 4711), 0);
	assert_int_equal(layout_add_constant(&l, 0x1000, 4712), 0);
	assert_int_equal(layout_add_constant(&l, 0x1040, 4712), 0);
	assert_int_equal(layout_add_constant(&l, 0x1041, 4713), 0);
	assert_int_equal(layout_add_constant(&l, 0x1051, 4713), 0);
	assert_int_equal(layout_add_constant(&l, 0x2000, 4714), 0);
	assert_int_equal(layout_finish_keys(&l), 0);
	assert_int_equal(l.n_keys, 4);
	for (size_t i = 0; i < l.n_keys; i++) {
		static const struct key expected[] = {
			{ 0, 0, false }, { 1, 0, true }, { 2, 0, false }, { 2, 0, true }
		};

		assert_int_equal(l.keys[i].unit, expected[i].unit);
		assert_int_equal(l.keys[i].is_constant, expected[i].is_constant);
		assert_true(key_may_be_constant(l.keys[i].hash) || !l.keys[i].is_constant);
	}
}

/* Between beginnings of units, in order; all references to pages of read-only data. */
static void test_calls(void **state)
{
	_cleanup_(layout_done) struct layout l = { .file_bytes = 0x9000 };
	const struct unwind_range ranges[] = { { 0x11000, 64 },
					       { 0x11040, 64 },
					       { 0x11080, 64 } };
	static const uint64_t calls[][2] = {
		{ 0x11000, 0x11080 }, { 0x11004, 0x11040 },
		{ 0x11008, 0x11041 }, /* within one */
		{ 0x1100c, 0x11000 }, /* itself */
		{ 0x11010, 0x99999 }, { 0x11044, 0x11000 },
		{ 0x11000, 0x11080 }, /* back */
		{ 0x99999, 0x11000 },
	};

	(void)state;
	assert_int_equal(
		layout_add_section(&l, SECTION_CODE, ".text", 0x11000, 0x1000, 192), 0);
	assert_int_equal(
		layout_add_section(&l, SECTION_DATA, ".rodata", 0x12000, 0x4000, 0x2000),
		0);
	assert_int_equal(layout_finish_sections(&l), 0);
	assert_int_equal(layout_set_units(&l, ranges, ARRAY_SIZE(ranges)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		assert_int_equal(layout_add_call(&l, calls[i][0], calls[i][1]), 0);
	assert_int_equal(l.n_calls, 3);
	assert_int_equal(l.calls[0].to, 2);
	assert_int_equal(l.calls[1].to, 1);
	assert_int_equal(l.calls[2].from, 1);
	assert_int_equal(layout_calls_of(&l, 1), 2);
	assert_int_equal(layout_calls_of(&l, 2), 3);
	l.last_unit = l.last_bytes = 0;
	assert_int_equal(layout_add_reference(&l, 0x11000, 0x12000), 0);
	assert_int_equal(layout_add_reference(&l, 0x11004, 0x12fff), 0);
	assert_int_equal(layout_add_reference(&l, 0x11008, 0x13000), 0);
	assert_int_equal(layout_add_reference(&l, 0x11084, 0x14000), 0); /* behind it */
	assert_int_equal(layout_add_reference(&l, 0x11084, 0x13fff), 0);
	assert_int_equal(l.n_references, 4);
	assert_int_equal(l.references[1].pgno, 4);
	assert_int_equal(l.references[2].pgno, 5);
	assert_int_equal(layout_references_of(&l, 2), 3);
}

/* What begins before the page is known by how far before. */
static void test_lead(void **state)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(layout_done) struct layout l = { .file_bytes = 0x9000 };
	struct unwind_range range = { 0x1010, 0x4000 };
	struct page_range page = { 3, 1 };

	(void)state;
	assert_int_equal(
		layout_add_section(&l, SECTION_CODE, ".text", 0x1000, 0x1000, 0x8000), 0);
	assert_int_equal(layout_finish_sections(&l), 0);
	assert_int_equal(layout_set_units(&l, &range, 1), 0);
	assert_int_equal(fingerprint_make(&l, &page, 1, FINGERPRINT_SIZES, &f), 0);
	assert_int_equal(f.n_code, 1);
	assert_int_equal(f.code[0].n_units, 0);
	assert_int_equal(f.code[0].lead_back, (0x3000 - 0x1010) / 16);
	assert_int_equal(f.code[0].lead_code, unit_code(0x4000, false));
}

/* Each byte of it changed: refused, or another fingerprint; never read outside. */
static void test_damage(void **state)
{
	_cleanup_(layout_done) struct layout l = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t bytes, refused = 0;

	(void)state;
	make_layout(&l);
	text = text_of(&l, 4, 3, FINGERPRINT_KEYS);
	bytes = strlen(text);
	for (size_t i = 0; i < bytes; i++) {
		_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
		_cleanup_free_ char *again = NULL;
		char was = text[i];
		int r;

		text[i] = was == 'A' ? 'z' : 'A';
		r = fingerprint_read(text, bytes, &f);
		assert_true(r == 0 || r == -EINVAL || (r == -ESTALE && i < 2));
		refused += r < 0;
		if (r == 0) {
			assert_int_equal(fingerprint_write(&f, &again), 0);
			assert_string_equal(text, again);
		}
		text[i] = was;
	}
	assert_true(refused > bytes / 16);
	for (size_t n = 0; n < bytes; n++) {
		struct fingerprint f;

		assert_int_equal(fingerprint_read(text, n, &f), -EINVAL);
	}
}

static char *merged(const char *a, const char *b)
{
	char *text = NULL;

	assert_int_equal(fingerprint_merge(a, b, &text), 0);
	return text;
}

static void check_merge(const char *a, const char *b, const char *c, const char *all)
{
	_cleanup_free_ char *ab = merged(a, b), *ba = merged(b, a), *bc = merged(b, c);
	_cleanup_free_ char *ab_c = merged(ab, c), *a_bc = merged(a, bc);

	assert_string_equal(ab, ba);
	assert_string_equal(ab_c, a_bc);
	if (all)
		assert_string_equal(ab_c, all);
}

static void test_merge(void **state)
{
	_cleanup_(layout_done) struct layout l = { 0 };
	_cleanup_free_ char *a = NULL, *b = NULL, *c = NULL, *sizes = NULL, *other = NULL;
	_cleanup_free_ char *all = NULL, *none = NULL;

	(void)state;
	make_layout(&l);
	a = text_of(&l, 0, 0x20, FINGERPRINT_KEYS);
	b = text_of(&l, 0x10, 0x30, FINGERPRINT_KEYS);
	c = text_of(&l, 0x40, 0x20, FINGERPRINT_KEYS);
	all = text_of(&l, 0, 0x60, FINGERPRINT_KEYS);
	check_merge(a, b, c, all);
	sizes = text_of(&l, 0, 0x60, FINGERPRINT_SIZES);
	check_merge(sizes, all, c, all);
	l.content_hash++;
	other = text_of(&l, 0, 0x60, FINGERPRINT_KEYS);
	check_merge(other, all, c, all); /* the smaller */
	check_merge("AgAA", a, "BgAA", a);
	assert_null(none = merged(NULL, NULL));
	none = merged(NULL, a);
	assert_string_equal(none, a);
}

/* Where all would be too long, keys go first, then each second page; in any order the same. */
static void test_thinned(void **state)
{
	static struct unwind_range ranges[60000];
	_cleanup_(layout_done) struct layout l = { .file_bytes = 0x2000000 };
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_free_ char *a = NULL, *b = NULL, *c = NULL, *all = NULL;
	uint64_t at = 0;

	(void)state;
	state_of_random = 3;
	assert_int_equal(layout_add_section(&l, SECTION_CODE, ".text", 0, 0, 0x2000000), 0);
	assert_int_equal(layout_finish_sections(&l), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		ranges[i] = (struct unwind_range){ at, 100 + next_random() % 300 };
		at += 400;
	}
	assert_int_equal(layout_set_units(&l, ranges, ARRAY_SIZE(ranges)), 0);
	for (size_t i = 0; i < l.n_units; i++)
		assert_int_equal(
			layout_add_key(&l, l.units[i].off, false, (char *)&i, sizeof(i)),
			0);
	assert_int_equal(layout_finish_keys(&l), 0);
	all = text_of(&l, 0, 0x1800, FINGERPRINT_KEYS);
	assert_true(strlen(all) <= LIMIT_FINGERPRINT_BYTES / 3 * 4);
	assert_int_equal(fingerprint_read(all, strlen(all), &f), 0);
	assert_true(f.thinned >= 5);
	assert_int_equal(f.code[0].n_keys, 0);
	assert_int_equal(f.code[1].pgno - f.code[0].pgno, 1u << (f.thinned - 4));
	fingerprint_done(&f);
	a = text_of(&l, 0, 0x200, FINGERPRINT_KEYS); /* some keys */
	assert_int_equal(fingerprint_read(a, strlen(a), &f), 0);
	assert_true(f.thinned >= 1 && f.thinned <= 3);
	for (size_t i = 0; i < f.n_code; i++)
		for (size_t k = 0; k < f.code[i].n_keys; k++)
			assert_int_equal(f.code[i].keys[k].hash % (1u << f.thinned), 0);
	b = text_of(&l, 0x200, 0x200, FINGERPRINT_KEYS);
	c = text_of(&l, 0x400, 0x40, FINGERPRINT_KEYS);
	check_merge(a, b, c, NULL);
	check_merge(c, a, b, NULL);
	free(a);
	free(b);
	free(c);
	a = text_of(&l, 0, 0x700, FINGERPRINT_KEYS);
	b = text_of(&l, 0x700, 0xc00, FINGERPRINT_KEYS);
	c = text_of(&l, 0x1300, 0x500, FINGERPRINT_KEYS);
	check_merge(a, b, c, all);
	check_merge(c, a, b, all);
}

/* ---- which functions ran ---- */

/* TEXT's, of pages [FIRST, END) each EVERY-th function. */
static char *ran_of(const char *text, uint32_t first, uint32_t end, size_t every)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	uint8_t ran[UINT8_MAX];
	char *ret = NULL;

	for (size_t i = 0; i < sizeof(ran); i++)
		ran[i] = i % every == 0;
	assert_int_equal(fingerprint_read(text, strlen(text), &f), 0);
	for (size_t i = 0; i < f.n_code; i++)
		if (f.code[i].pgno >= first && f.code[i].pgno < end)
			assert_int_equal(fingerprint_set_ran(&f, i, ran), 0);
	assert_int_equal(fingerprint_write_ran(&f, text, &ret), 0);
	return ret;
}

static void test_ran(void **state)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(layout_done) struct layout l = { 0 };
	_cleanup_free_ char *text = NULL, *other = NULL, *ran = NULL, *again = NULL;
	size_t bytes;

	(void)state;
	make_layout(&l);
	text = text_of(&l, 0, 0x20, FINGERPRINT_KEYS);
	other = text_of(&l, 0, 0x21, FINGERPRINT_KEYS);
	assert_null(ran_of(text, 0x30, 0x40, 1));
	ran = ran_of(text, 4, 8, 3);
	bytes = strlen(ran);
	assert_int_equal(fingerprint_load(text, ran, &f), 0);
	for (size_t i = 0; i < f.n_code; i++) {
		const struct code_page *p = &f.code[i];

		assert_int_equal(p->ran != NULL, p->pgno >= 4 && p->pgno < 8);
		for (size_t k = 0; p->ran && k < p->n_units; k++)
			assert_int_equal(p->ran[k], k % 3 == 0);
	}
	assert_int_equal(fingerprint_write_ran(&f, text, &again), 0);
	assert_string_equal(ran, again);
	/* What is of another one, or damaged, is not believed. */
	fingerprint_done(&f);
	assert_int_equal(fingerprint_load(other, ran, &f), 0);
	assert_null(f.ran);
	assert_int_equal(fingerprint_read_ran(&f, other, ran, bytes), -ESTALE);
	fingerprint_done(&f);
	assert_int_equal(fingerprint_read(text, strlen(text), &f), 0);
	for (size_t n = 0; n < bytes; n++)
		assert_int_equal(fingerprint_read_ran(&f, text, ran, n), -EINVAL);
	for (size_t i = 0; i < bytes; i++) {
		_cleanup_free_ char *bad = strdup(ran);
		int r;

		assert_non_null(bad);
		bad[i] = bad[i] == 'A' ? 'z' : 'A';
		r = fingerprint_read_ran(&f, text, bad, bytes);
		assert_true(r == 0 || r == -EINVAL || (r == -ESTALE && i < 6));
	}
}

/* In a gap nothing is known to run. */
static void test_ran_gap(void **state)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(layout_done) struct layout l = { .file_bytes = 0x3000 };
	const struct unwind_range ranges[] = { { 0x1000, 0x100 }, { 0x1200, 0x100 } };
	_cleanup_free_ char *text = NULL, *ran = NULL;

	(void)state;
	assert_int_equal(
		layout_add_section(&l, SECTION_CODE, ".text", 0x1000, 0x1000, 0x400), 0);
	assert_int_equal(layout_finish_sections(&l), 0);
	assert_int_equal(layout_set_units(&l, ranges, ARRAY_SIZE(ranges)), 0);
	assert_int_equal(l.n_units, 4);
	text = text_of(&l, 1, 1, FINGERPRINT_SIZES);
	ran = ran_of(text, 1, 2, 1);
	assert_int_equal(fingerprint_load(text, ran, &f), 0);
	assert_memory_equal(f.code[0].ran, "\1\0\1\0", 4);
}

/* Functions 0, 3, 6 of each page ran; calls between them, and what is none. */
static void test_ran_calls(void **state)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 }, read = { 0 };
	_cleanup_(layout_done) struct layout l = { 0 };
	_cleanup_free_ char *text = NULL, *ran = NULL, *calls = NULL, *again = NULL;
	_cleanup_free_ char *both = NULL;

	(void)state;
	make_layout(&l);
	text = text_of(&l, 0, 0x20, FINGERPRINT_KEYS);
	ran = ran_of(text, 1, 0x20, 3);
	assert_int_equal(fingerprint_load(text, ran, &f), 0);
	fingerprint_set_calls(&f, 2, 3, 300);
	fingerprint_set_calls(&f, 2, 1, 300); /* did not run */
	assert_int_equal(fingerprint_add_call(&f, 2, 3, 254, 5, 0), 0);
	assert_int_equal(fingerprint_add_call(&f, 2, 3, 7, 1, 3), 0);
	assert_int_equal(fingerprint_add_call(&f, 2, 3, 255, 1, 3), 0); /* too far */
	assert_int_equal(fingerprint_add_call(&f, 2, 3, 8, 1, 4), 0);	/* did not run */
	assert_int_equal(fingerprint_add_call(&f, 2, 1, 8, 1, 3), 0);
	assert_int_equal(fingerprint_add_call(&f, 4, 0, 0, 1, 3), 0); /* has none */
	fingerprint_set_calls(&f, 4, 0, 2);
	assert_int_equal(fingerprint_add_call(&f, 4, 0, 1, 2, 3), 0);
	assert_int_equal(f.n_ran_calls, 3);
	assert_int_equal(fingerprint_write_ran(&f, text, &calls), 0);
	assert_int_equal(fingerprint_load(text, calls, &read), 0);
	assert_int_equal(read.n_ran_calls, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(read.calls[i].from, f.calls[i].from);
		assert_int_equal(read.calls[i].to, f.calls[i].to);
		assert_int_equal(read.calls[i].place, f.calls[i].place);
	}
	assert_int_equal(read.calls[0].place, 7);
	assert_int_equal(read.calls[0].from, f.code[2].codes - f.codes + 3);
	assert_int_equal(read.calls[1].to, f.code[5].codes - f.codes);
	assert_int_equal(read.n_calls[read.calls[0].from], RAN_MAX_CALLS);
	assert_int_equal(read.n_calls[read.calls[2].from], 2);
	for (size_t n = strlen(ran) + 1; n < strlen(calls); n++)
		assert_int_equal(fingerprint_read_ran(&read, text, calls, n), -EINVAL);
	/* Merged with what knows none, and with itself, they stay; what leaves them out stays that. */
	assert_int_equal(fingerprint_merge_ran(text, ran, text, calls, text, &again), 0);
	assert_string_equal(again, calls);
	free(again);
	f.has_left_calls = true;
	assert_int_equal(fingerprint_write_ran(&f, text, &again), 0);
	assert_true(strlen(again) < strlen(calls));
	assert_int_equal(fingerprint_merge_ran(text, again, text, calls, text, &both), 0);
	assert_string_equal(both, again);
}

/* What functions that ran refer to, and whether that was needed; with calls and without. */
static void test_ran_references(void **state)
{
	static const uint8_t some[32] = { 0x05, 0x80 }, others[32] = { 0x02 }, none[32];
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 }, read = { 0 };
	_cleanup_(layout_done) struct layout l = { 0 };
	_cleanup_free_ char *text = NULL, *ran = NULL, *known = NULL, *again = NULL;
	const struct ran_references *x;
	uint32_t unit;

	(void)state;
	make_layout(&l);
	text = text_of(&l, 0, 0x60, FINGERPRINT_KEYS);
	ran = ran_of(text, 1, 0x20, 3);
	assert_int_equal(fingerprint_load(text, ran, &f), 0);
	assert_true(f.n_data > 2);
	unit = (uint32_t)(f.code[2].codes - f.codes);
	assert_int_equal(fingerprint_set_references(&f, 2, 3, 16, some), 0);
	assert_int_equal(fingerprint_set_references(&f, 2, 0, 999, none), 0);
	assert_int_equal(fingerprint_set_references(&f, 2, 1, 2, some),
			 0); /* did not run */
	assert_int_equal(fingerprint_set_references(&f, 4, 0, 0, some), 0); /* has none */
	f.data[1].is_referred = true;
	assert_int_equal(f.n_references, 2);
	assert_null(fingerprint_references_of(&f, unit + 1));
	for (int calls = 0; calls < 2; calls++) {
		_cleanup_free_ char *merged = NULL;

		if (calls) {
			fingerprint_set_calls(&f, 2, 3, 4);
			assert_int_equal(fingerprint_add_call(&f, 2, 3, 1, 5, 0), 0);
		}
		free(known);
		assert_int_equal(fingerprint_write_ran(&f, text, &known), 0);
		fingerprint_done(&read);
		assert_int_equal(fingerprint_load(text, known, &read), 0);
		assert_int_equal(read.n_ran_calls, calls);
		assert_int_equal(read.n_references, 2);
		x = fingerprint_references_of(&read, unit + 3);
		assert_non_null(x);
		assert_int_equal(x->n, 16);
		assert_memory_equal(x->needed, some, 32);
		assert_int_equal(fingerprint_references_of(&read, unit)->n,
				 RAN_MAX_REFERENCES);
		for (size_t i = 0; i < read.n_data; i++)
			assert_int_equal(read.data[i].is_referred, i == 1);
		for (size_t n = strlen(ran) + 1; n < strlen(known); n++)
			assert_int_equal(fingerprint_read_ran(&read, text, known, n),
					 -EINVAL);
		/* What knows none takes nothing away. */
		assert_int_equal(
			fingerprint_merge_ran(text, known, text, ran, text, &merged), 0);
		assert_string_equal(merged, known);
	}
	/* What was needed in either was. */
	fingerprint_done(&read);
	assert_int_equal(fingerprint_load(text, ran, &read), 0);
	assert_int_equal(fingerprint_set_references(&read, 2, 3, 16, others), 0);
	read.data[2].is_referred = true;
	assert_int_equal(fingerprint_write_ran(&read, text, &again), 0);
	free(ran);
	assert_int_equal(fingerprint_merge_ran(text, again, text, known, text, &ran), 0);
	fingerprint_done(&read);
	assert_int_equal(fingerprint_load(text, ran, &read), 0);
	assert_int_equal(fingerprint_references_of(&read, unit + 3)->needed[0], 7);
	assert_true(read.data[1].is_referred && read.data[2].is_referred);
	/* What leaves them out stays that. */
	f.has_left_references = true;
	free(again);
	assert_int_equal(fingerprint_write_ran(&f, text, &again), 0);
	assert_true(strlen(again) < strlen(known));
	free(ran);
	assert_int_equal(fingerprint_merge_ran(text, known, text, again, text, &ran), 0);
	assert_string_equal(ran, again);
}

/* Of those that did not run a name each is left; what is known of what did, and where nothing is known, stays. */
static void test_drop_keys(void **state)
{
	static const struct code_key keys[] = { { 0, 0, 8 },  { 0, 0, 16 }, { 0, 2, 7 },
						{ 1, 0, 24 }, { 1, 0, 32 }, { 2, 2, 15 },
						{ 0, 0, 40 }, { 0, 2, 23 } };
	uint8_t codes[] = { 50, 60, 70, 50 }, ran[] = { 1, 0, 0 };
	struct code_page pages[2] = { { .pgno = 1, .n_units = 3, .n_keys = 6 },
				      { .pgno = 2, .n_units = 1, .n_keys = 2 } };
	struct fingerprint f = { .code = pages, .n_code = 2, .codes = codes };
	struct code_key all[ARRAY_SIZE(keys)];

	(void)state;
	memcpy(all, keys, sizeof(all));
	f.keys = all;
	pages[0].codes = codes;
	pages[0].keys = all;
	pages[1].codes = codes + 3;
	pages[1].keys = all + 6;
	assert_int_equal(fingerprint_set_ran(&f, 0, ran), 0);
	fingerprint_drop_keys(&f, false);
	assert_int_equal(pages[0].n_keys, 4);
	assert_memory_equal(pages[0].keys, keys, 4 * sizeof(*keys));
	assert_int_equal(pages[1].n_keys, 2);
	assert_memory_equal(pages[1].keys, keys + 6, 2 * sizeof(*keys));
	fingerprint_drop_keys(&f, true);
	assert_int_equal(pages[0].n_keys, 3);
	assert_memory_equal(pages[0].keys, keys, 3 * sizeof(*keys));
	assert_int_equal(pages[1].n_keys, 2);
	free(f.ran);
	free(f.n_calls);
}

static char *merged_ran(const char *a, const char *a_ran, const char *b, const char *b_ran,
			const char *both)
{
	char *ran = NULL;

	assert_int_equal(fingerprint_merge_ran(a, a_ran, b, b_ran, both, &ran), 0);
	return ran;
}

/* What ran in one of them did; what one alone knows is as that one says. */
static void test_merge_ran(void **state)
{
	_cleanup_(layout_done) struct layout l = { 0 };
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_free_ char *a = NULL, *b = NULL, *both = NULL, *none = NULL;
	_cleanup_free_ char *a_ran = NULL, *b_ran = NULL, *ab = NULL, *ba = NULL;

	(void)state;
	make_layout(&l);
	a = text_of(&l, 0, 0x20, FINGERPRINT_KEYS);
	b = text_of(&l, 0x10, 0x30, FINGERPRINT_KEYS);
	both = merged(a, b);
	a_ran = ran_of(a, 0, 0x18, 2);
	b_ran = ran_of(b, 0x12, 0x30, 3);
	ab = merged_ran(a, a_ran, b, b_ran, both);
	ba = merged_ran(b, b_ran, a, a_ran, both);
	assert_string_equal(ab, ba);
	assert_int_equal(fingerprint_load(both, ab, &f), 0);
	for (size_t i = 0; i < f.n_code; i++) {
		const struct code_page *p = &f.code[i];
		bool in_a = p->pgno < 0x18, in_b = p->pgno >= 0x12 && p->pgno < 0x30;

		assert_int_equal(p->ran != NULL, in_a || in_b);
		for (size_t k = 0; p->ran && k < p->n_units; k++)
			assert_int_equal(p->ran[k],
					 (in_a && k % 2 == 0) || (in_b && k % 3 == 0));
	}
	free(ba);
	ba = merged_ran(both, ab, a, NULL, both);
	assert_string_equal(ab, ba);
	assert_null(none = merged_ran(a, NULL, b, NULL, both));
	assert_null(none = merged_ran(a, b_ran, b, a_ran, both)); /* of other texts */
	assert_null(none = merged_ran(NULL, NULL, NULL, NULL, NULL));
	/* Of another version it is kept where the text is. */
	none = merged_ran("AgAA", "x", a, a_ran, "AgAA");
	assert_string_equal(none, "x");
}

/* How many keys the text has of ten units, and whether it is thinned. */
static size_t n_keys_of(const char *text, unsigned *ret_thinned)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	size_t n = 0, n_units = 0;

	assert_int_equal(fingerprint_read(text, strlen(text), &f), 0);
	*ret_thinned = f.thinned;
	for (size_t i = 0; i < f.n_code; i++) {
		n += f.code[i].n_keys;
		n_units += f.code[i].n_units;
	}
	return (10 * n + n_units / 2) / n_units;
}

/* Of ten units five have two names, five a constant: constants go first, then second names. */
static void test_ranks(void **state)
{
	static struct unwind_range ranges[40000];
	_cleanup_(layout_done) struct layout l = { .file_bytes = 0x2000000 };
	_cleanup_free_ char *few = NULL, *some = NULL, *many = NULL, *most = NULL,
			    *rest = NULL, *mixed = NULL;
	unsigned thinned;

	(void)state;
	assert_int_equal(layout_add_section(&l, SECTION_CODE, ".text", 0, 0, 0x2000000), 0);
	assert_int_equal(layout_finish_sections(&l), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = (struct unwind_range){ 400 * i, 400 };
	assert_int_equal(layout_set_units(&l, ranges, ARRAY_SIZE(ranges)), 0);
	for (uint32_t i = 0; i < l.n_units; i++)
		for (uint32_t k = 0; k < 2; k++) {
			uint32_t name[] = { i, k };

			if (i % 2 == 0)
				assert_int_equal(layout_add_key(&l, 400 * i, false,
								(char *)name, sizeof(name)),
						 0);
			else if (k == 0)
				assert_int_equal(layout_add_constant(&l, 400 * i, i), 0);
		}
	assert_int_equal(layout_finish_keys(&l), 0);
	few = text_of(&l, 0, 400, FINGERPRINT_KEYS);
	assert_int_equal(n_keys_of(few, &thinned), 15);
	some = text_of(&l, 0, 800, FINGERPRINT_KEYS);
	assert_int_equal(n_keys_of(some, &thinned), 10);
	assert_int_equal(thinned, 0);
	many = text_of(&l, 0, 1200, FINGERPRINT_KEYS);
	assert_int_equal(n_keys_of(many, &thinned), 5);
	assert_int_equal(thinned, 0);
	most = text_of(&l, 0, 2000, FINGERPRINT_KEYS);
	assert_true(n_keys_of(most, &thinned) < 5);
	assert_true(thinned > 0);
	/* The same pages with more keys or fewer, thinned or not: in any order the same. */
	rest = text_of(&l, 1500, 600, FINGERPRINT_KEYS);
	mixed = merged(few, rest);
	n_keys_of(mixed, &thinned);
	assert_true(thinned > 0);
	check_merge(few, some, many, NULL);
	check_merge(few, many, most, NULL);
	check_merge(mixed, many, most, NULL);
	check_merge(many, mixed, most, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),	       cmocka_unit_test(test_sections),
		cmocka_unit_test(test_bad_sections),   cmocka_unit_test(test_lying_ranges),
		cmocka_unit_test(test_pieces),	       cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_calls),	       cmocka_unit_test(test_lead),
		cmocka_unit_test(test_keys),	       cmocka_unit_test(test_damage),
		cmocka_unit_test(test_merge),	       cmocka_unit_test(test_thinned),
		cmocka_unit_test(test_ranks),	       cmocka_unit_test(test_ran),
		cmocka_unit_test(test_ran_gap),	       cmocka_unit_test(test_ran_calls),
		cmocka_unit_test(test_ran_references), cmocka_unit_test(test_drop_keys),
		cmocka_unit_test(test_merge_ran),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
