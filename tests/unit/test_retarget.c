/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two builds of one made-up program: which of its functions a run needs is known, so that it is
 * known as well which pages the other build needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "align.h"
#include "bounds.h"
#include "fingerprint.h"
#include "retarget.h"
#include "unwind.h"

enum { N_FUNCTIONS = 3000, DATA_BYTES = 64 * PAGE_BYTES };

struct function {
	uint32_t bytes;
	bool needed;
	uint32_t name;	   /* 0: not exported */
	uint32_t constant; /* 0: none */
};

struct build {
	struct function functions[N_FUNCTIONS + 100];
	size_t n;
	uint8_t data[DATA_BYTES + 2 * PAGE_BYTES];
	size_t data_bytes, data_shift; /* pages in front of those that are needed */
	struct layout layout;
	uint64_t starts[N_FUNCTIONS + 100];
};

static uint32_t state_of_random;
static uint64_t n_links;

static uint32_t next_random(void)
{
	state_of_random = state_of_random * 1664525u + 1013904223u;
	return state_of_random >> 8;
}

/* Needed functions stand in groups, as they do where a file of source has several. */
static void make_program(struct build *b, uint32_t seed)
{
	bool needed = false;

	layout_done(&b->layout);
	memset(b, 0, sizeof(*b));
	state_of_random = seed;
	for (; b->n < N_FUNCTIONS; b->n++) {
		if (next_random() % 8 == 0)
			needed = next_random() % 5 == 0;
		b->functions[b->n].bytes = 16 + next_random() % (next_random() % 900 + 1);
		b->functions[b->n].needed = needed;
		if (next_random() % 20 == 0)
			b->functions[b->n].name = (uint32_t)b->n + 1;
	}
	b->data_bytes = DATA_BYTES;
	for (size_t i = 0; i < b->data_bytes; i++)
		b->data[i] = (uint8_t)(next_random() >> 12); /* low bits soon repeat */
}

static void link_program(struct build *b)
{
	static struct unwind_range ranges[N_FUNCTIONS + 100];
	uint64_t at = 0x2000, data;

	layout_done(&b->layout);
	for (size_t i = 0; i < b->n; i++) {
		b->starts[i] = at;
		ranges[i] = (struct unwind_range){ at, b->functions[i].bytes };
		at += (b->functions[i].bytes + 15) & ~(uint64_t)15;
	}
	data = (at + 2 * PAGE_BYTES) & ~(uint64_t)(PAGE_BYTES - 1);
	b->layout.file_bytes = data + b->data_bytes + 0x1800;
	assert_int_equal(layout_add_section(&b->layout, SECTION_TABLE, ".dynsym", 0x400,
					    0x400, 0x1800),
			 0);
	assert_int_equal(layout_add_section(&b->layout, SECTION_CODE, ".text", 0x2000,
					    0x2000, at - 0x2000),
			 0);
	assert_int_equal(layout_add_section(&b->layout, SECTION_DATA, ".rodata", data, data,
					    b->data_bytes),
			 0);
	assert_int_equal(layout_finish_sections(&b->layout), 0);
	assert_int_equal(layout_set_units(&b->layout, ranges, b->n), 0);
	for (size_t i = 0; i < b->n; i++)
		if (b->functions[i].name)
			assert_int_equal(layout_add_key(&b->layout, b->starts[i], false,
							(const char *)&b->functions[i].name,
							4),
					 0);
	for (size_t i = 0; i < b->n; i++)
		if (b->functions[i].constant)
			assert_int_equal(layout_add_constant(&b->layout, b->starts[i],
							     b->functions[i].constant),
					 0);
	assert_int_equal(layout_finish_keys(&b->layout), 0);
	assert_int_equal(layout_add_pieces(&b->layout, b->data, b->data_bytes, data), 0);
	b->layout.content_hash = ++n_links;
}

/* Tables, code of the needed functions, each fourth page of data. */
static void needed_pages(const struct build *b, struct pageset *ret)
{
	_cleanup_free_ bool *needed = calloc(b->layout.file_bytes / PAGE_BYTES + 2, 1);
	uint64_t data = b->layout.sections[3].off;

	assert_non_null(needed);
	needed[0] = needed[1] = true;
	for (size_t i = 0; i < b->n; i++)
		for (uint64_t k = 0; b->functions[i].needed && k < b->functions[i].bytes;
		     k += 16)
			needed[(b->starts[i] + k) / PAGE_BYTES] = true;
	for (size_t i = b->data_shift; i < b->data_bytes / PAGE_BYTES; i += 4)
		needed[data / PAGE_BYTES + i] = true;
	for (uint32_t i = 0; i <= b->layout.file_bytes / PAGE_BYTES; i++)
		if (needed[i])
			assert_int_equal(
				pageset_append(ret, &(struct page_run){ i, 1, 2, i % 50 }),
				0);
}

struct score {
	unsigned recall, precision, confidence, coverage; /* percent */
	bool is_foreign;
};

static bool has_page(const struct pageset *s, uint32_t pgno)
{
	for (size_t i = 0; i < s->n_runs; i++)
		if (pgno >= s->runs[i].first_pgno &&
		    pgno - s->runs[i].first_pgno < s->runs[i].n_pages)
			return true;
	return false;
}

/* As if it had been seen: of FROM exactly what is needed ran. */
static void set_ran(const struct build *from, struct fingerprint *f)
{
	uint8_t ran[UINT8_MAX];

	for (size_t i = 0, at = 0; i < f->n_code; i++) {
		const struct code_page *p = &f->code[i];

		while (from->starts[at] / PAGE_BYTES < p->pgno)
			at++;
		for (size_t k = 0; k < p->n_units; k++)
			ran[k] = from->functions[at + k].needed;
		assert_int_equal(fingerprint_set_ran(f, i, ran), 0);
	}
}

/* Of code pages only where the data of both builds have nothing in common. */
static struct score retarget(const struct build *from, const struct build *to,
			     enum fingerprint_level level)
{
	_cleanup_(pageset_done) struct pageset old = { 0 }, wanted = { 0 };
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 }, read = { 0 };
	_cleanup_(retargeted_done) struct retargeted r = { 0 };
	_cleanup_free_ struct page_range *ranges = NULL;
	_cleanup_free_ char *text = NULL;
	uint64_t hits = 0;

	needed_pages(from, &old);
	needed_pages(to, &wanted);
	ranges = calloc(old.n_runs, sizeof(*ranges));
	assert_non_null(ranges);
	for (size_t i = 0; i < old.n_runs; i++)
		ranges[i] =
			(struct page_range){ old.runs[i].first_pgno, old.runs[i].n_pages };
	assert_int_equal(fingerprint_make(&from->layout, ranges, old.n_runs, level, &f), 0);
	assert_int_equal(fingerprint_write(&f, &text), 0);
	assert_int_equal(fingerprint_read(text, strlen(text), &read), 0);
	if (level == FINGERPRINT_FUNCTIONS)
		set_ran(from, &read);
	assert_int_equal(retarget_pages(&read, &old, "/usr/bin/app", &to->layout, &r), 0);
	for (size_t i = 0; i < r.pages.n_runs; i++)
		for (uint32_t k = 0; k < r.pages.runs[i].n_pages; k++)
			hits += has_page(&wanted, r.pages.runs[i].first_pgno + k);
	return (struct score){
		.recall = (unsigned)(100 * hits / pageset_count(&wanted)),
		.precision = (unsigned)(100 * hits / MAX(pageset_count(&r.pages), 1u)),
		.confidence = r.confidence,
		.coverage = r.coverage,
		.is_foreign = r.is_foreign,
	};
}

static struct build a, b;

static int teardown(void **state)
{
	(void)state;
	layout_done(&a.layout);
	layout_done(&b.layout);
	return 0;
}

static void insert_function(struct build *to, size_t at, uint32_t bytes)
{
	memmove(&to->functions[at + 1], &to->functions[at],
		(to->n - at) * sizeof(to->functions[0]));
	to->functions[at] = (struct function){ .bytes = bytes };
	to->n++;
}

static void test_same_content(void **state)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(pageset_done) struct pageset old = { 0 };
	_cleanup_(retargeted_done) struct retargeted r = { 0 };

	(void)state;
	make_program(&a, 1);
	link_program(&a);
	needed_pages(&a, &old);
	assert_int_equal(fingerprint_make(&a.layout, NULL, 0, FINGERPRINT_KEYS, &f), 0);
	assert_int_equal(retarget_pages(&f, &old, "/usr/bin/app", &a.layout, &r), 0);
	assert_true(r.is_same);
	assert_int_equal(r.confidence, 100);
	assert_true(pageset_equal(&r.pages, &old));
}

/* A security update: a few functions more, a few longer. All else has moved. */
static void test_update(void **state)
{
	struct score s;

	(void)state;
	make_program(&a, 2);
	make_program(&b, 2);
	for (size_t i = 0; i < 8; i++)
		insert_function(&b, i * 331 + 5, 200 + 100 * (uint32_t)i);
	for (size_t i = 0; i < b.n; i += 97)
		b.functions[i].bytes += 48;
	memmove(b.data + 1000, b.data, DATA_BYTES);
	b.data_bytes += 1000;
	link_program(&a);
	link_program(&b);
	s = retarget(&a, &b, FINGERPRINT_SIZES);
	print_message("%u/%u, sure %u, found %u\n", s.recall, s.precision, s.confidence,
		      s.coverage);
	assert_true(s.recall >= 95 && s.precision >= 70);
	assert_true(s.coverage >= 80);
	assert_true(s.confidence + 15 >= s.precision && s.confidence <= s.precision + 15);
}

/* Another compiler: nearly no size is as it was, and each tenth function is gone or new. */
static void test_other_sizes(void **state)
{
	struct score sizes, names;
	size_t n = 0;

	(void)state;
	make_program(&a, 3);
	make_program(&b, 3);
	for (size_t i = 0; i < b.n; i++) {
		struct function f = b.functions[i];

		if (next_random() % 10 == 0 && !f.needed)
			continue;
		f.bytes =
			f.bytes * (80 + next_random() % 50) / 100 + next_random() % 16 + 1;
		b.functions[n++] = f;
	}
	b.n = n;
	link_program(&a);
	link_program(&b);
	sizes = retarget(&a, &b, FINGERPRINT_SIZES);
	names = retarget(&a, &b, FINGERPRINT_KEYS);
	print_message("sizes %u/%u, sure %u; names %u/%u, sure %u\n", sizes.recall,
		      sizes.precision, sizes.confidence, names.recall, names.precision,
		      names.confidence);
	assert_true(names.recall >= 80 && names.precision >= 70);
	assert_true(names.recall >= sizes.recall && names.precision + 3 >= sizes.precision);
}

/* Functions that have moved apart take along the pages of those that ran, and of no others. */
static void test_ran(void **state)
{
	struct score keys, ran;

	(void)state;
	make_program(&a, 9);
	make_program(&b, 9);
	for (size_t i = 0; i < b.n; i++) {
		a.functions[i].needed = next_random() % 16 == 0;
		b.functions[i].needed = a.functions[i].needed;
	}
	for (size_t i = 0; i < 90; i++)
		insert_function(&b, i * 31 + 7, 100 + 40 * (uint32_t)i);
	link_program(&a);
	link_program(&b);
	keys = retarget(&a, &b, FINGERPRINT_KEYS);
	ran = retarget(&a, &b, FINGERPRINT_FUNCTIONS);
	print_message("keys %u/%u, sure %u; ran %u/%u, sure %u\n", keys.recall,
		      keys.precision, keys.confidence, ran.recall, ran.precision,
		      ran.confidence);
	assert_true(ran.recall >= 95 && ran.precision >= 95);
	assert_true(ran.precision >= keys.precision + 5);
	assert_true(ran.confidence + 5 >= ran.precision &&
		    ran.confidence <= ran.precision + 5);
}

/*
 * Of a program that needs no code: b has two pages of data more in front, and one of EACH needed
 * pages (0: none) written anew.
 */
static struct score retarget_moved_data(size_t each)
{
	make_program(&a, 9);
	make_program(&b, 9);
	memmove(b.data + 2 * PAGE_BYTES, b.data, DATA_BYTES);
	b.data_bytes += 2 * PAGE_BYTES;
	b.data_shift = 2;
	for (size_t i = 0; i < b.data_bytes; i++)
		if (i < 2 * PAGE_BYTES || (each && (i / PAGE_BYTES - 2) % (4 * each) == 4))
			b.data[i] = (uint8_t)(next_random() >> 12);
	for (struct build *x = &a;; x = &b) {
		for (size_t i = 0; i < x->n; i++)
			x->functions[i].needed = false;
		link_program(x);
		if (x == &b)
			break;
	}
	return retarget(&a, &b, FINGERPRINT_SIZES);
}

/* In proportion each page would be found wrong; what has changed is beside what has not. */
static void test_moved_data(void **state)
{
	struct score s = retarget_moved_data(0), changed = retarget_moved_data(2);

	(void)state;
	print_message("%u/%u, sure %u; changed %u/%u, sure %u\n", s.recall, s.precision,
		      s.confidence, changed.recall, changed.precision, changed.confidence);
	assert_true(s.recall >= 95 && s.precision >= 95);
	assert_true(changed.recall >= 95 && changed.precision >= 95);
}

/* The same functions in another order: keys and their neighbours are found all the same. */
static void test_shuffled(void **state)
{
	enum { BLOCK = 100 };
	struct score s;

	(void)state;
	make_program(&a, 7);
	make_program(&b, 7);
	for (size_t i = 0; i < N_FUNCTIONS; i++) {
		size_t block = i / BLOCK;

		b.functions[i] = a.functions[(block * 7 % (N_FUNCTIONS / BLOCK)) * BLOCK +
					     i % BLOCK];
	}
	link_program(&a);
	link_program(&b);
	s = retarget(&a, &b, FINGERPRINT_KEYS);
	print_message("%u/%u, sure %u, found %u\n", s.recall, s.precision, s.confidence,
		      s.coverage);
	assert_true(s.recall >= 80 && s.precision >= 65);
}

/*
 * Each function elsewhere, as a linker orders them that sees all of a program: two of three alone have
 * a number. Where they are GROWN it is not believed.
 */
static struct score retarget_constants(bool has_constants, bool grown)
{
	make_program(&a, 12);
	make_program(&b, 12);
	for (uint32_t i = 0; i < N_FUNCTIONS; i++) {
		a.functions[i].name = 0;
		a.functions[i].constant = has_constants && i % 3 ? 0x10000 + i : 0;
	}
	for (size_t i = 0; i < N_FUNCTIONS; i++) {
		b.functions[i] = a.functions[i * 7 % N_FUNCTIONS];
		b.functions[i].bytes += grown ? b.functions[i].bytes : 0;
	}
	link_program(&a);
	link_program(&b);
	return retarget(&a, &b, FINGERPRINT_KEYS);
}

static void test_constants(void **state)
{
	struct score none = retarget_constants(false, false);
	struct score found = retarget_constants(true, false);
	struct score grown = retarget_constants(true, true);

	(void)state;
	print_message("%u/%u, found %u; without %u/%u, found %u; grown %u/%u, found %u\n",
		      found.recall, found.precision, found.coverage, none.recall,
		      none.precision, none.coverage, grown.recall, grown.precision,
		      grown.coverage);
	assert_true(found.coverage >= 60 && found.recall >= 90 && found.precision >= 85);
	assert_true(none.coverage < 40 && none.recall < 70);
	assert_true(grown.coverage < 25);
}

/* Long functions, of which few are needed, far apart: no row of them stands anywhere. */
static void test_far_apart(void **state)
{
	struct score s;

	(void)state;
	for (struct build *x = &a;; x = &b) {
		make_program(x, 8);
		for (size_t i = 0; i < x->n; i++) {
			x->functions[i].bytes = 4200 + next_random() % 9000;
			x->functions[i].needed = i % 12 == 5;
			x->functions[i].name = 0;
		}
		if (x == &b)
			break;
	}
	for (size_t i = 0; i < 20; i++)
		insert_function(&b, i * 140 + 9, 4000);
	link_program(&a);
	link_program(&b);
	s = retarget(&a, &b, FINGERPRINT_SIZES);
	print_message("%u/%u, sure %u, found %u\n", s.recall, s.precision, s.confidence,
		      s.coverage);
	assert_true(s.coverage >= 25);
	assert_true(s.recall >= 80 && s.precision >= 80);
}

/* A page of two old ones is as early as the earlier one. */
static void test_earliest(void **state)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(pageset_done) struct pageset old = { 0 };
	_cleanup_(retargeted_done) struct retargeted r = { 0 };
	struct page_range all = { 0 };
	bool found = false;

	(void)state;
	make_program(&a, 6);
	link_program(&a);
	make_program(&b, 6);
	insert_function(&b, 1, 2048); /* half a page further */
	link_program(&b);
	all.n_pages = (uint32_t)(a.layout.file_bytes / PAGE_BYTES);
	assert_int_equal(fingerprint_make(&a.layout, &all, 1, FINGERPRINT_SIZES, &f), 0);
	assert_int_equal(pageset_append(&old, &(struct page_run){ 16, 8, 1, 4 }), 0);
	assert_int_equal(pageset_append(&old, &(struct page_run){ 24, 8, 3, 9 }), 0);
	assert_int_equal(retarget_pages(&f, &old, "/usr/bin/app", &b.layout, &r), 0);
	for (size_t i = 0; i < r.pages.n_runs; i++) {
		if (r.pages.runs[i].when != 4 || r.pages.runs[i].runs != 3)
			continue;
		found = true;
		assert_int_equal(r.pages.runs[i].first_pgno, 24);
		assert_int_equal(r.pages.runs[i].n_pages, 1);
	}
	assert_true(found);
}

/* Another program of other sizes is known as one; tables alone make nothing sure. */
static void test_unrelated(void **state)
{
	struct score s;

	(void)state;
	make_program(&a, 4);
	make_program(&b, 5);
	for (size_t i = 0; i < b.n; i++)
		b.functions[i].bytes = 16 + next_random() % 3000;
	link_program(&a);
	link_program(&b);
	s = retarget(&a, &b, FINGERPRINT_SIZES);
	assert_true(s.is_foreign);
	assert_int_equal(s.recall, 0);
	assert_int_equal(s.confidence, 0);
}

static void set_soname(struct build *x, const char *name)
{
	free(x->layout.soname);
	x->layout.soname = strdup(name);
	assert_non_null(x->layout.soname);
}

/*
 * Sections of sizes that are a fifth apart, and of the content nothing, or all. What the file calls
 * itself, trained as "app", decides where content does not.
 */
static void test_kin(void **state)
{
	static const struct {
		bool has_content;
		const char *soname; /* NULL: none */
		bool is_kin;
	} cases[] = {
		{ false, NULL, false }, { false, "libapp.so.2", false },
		{ false, "app", true }, { false, "app-2.1.so.3", true },
		{ true, NULL, true },	{ true, "app", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_program(&a, 10);
		make_program(&b, cases[i].has_content ? 10 : 11);
		b.n = a.n * 4 / 5;
		b.data_bytes = DATA_BYTES * 4 / 5;
		link_program(&a);
		link_program(&b);
		if (cases[i].soname)
			set_soname(&b, cases[i].soname);
		print_message("case %zu\n", i);
		assert_int_equal(retarget(&a, &b, FINGERPRINT_KEYS).is_foreign,
				 !cases[i].is_kin);
	}
}

/* Pages keep what is known of them: how often, how early. */
static void test_evidence(void **state)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(pageset_done) struct pageset old = { 0 };
	_cleanup_(retargeted_done) struct retargeted r = { 0 };
	struct page_range all;

	(void)state;
	make_program(&a, 6);
	link_program(&a);
	make_program(&b, 6);
	insert_function(&b, 1, 4096); /* one page further */
	link_program(&b);
	all = (struct page_range){ 2, (uint32_t)(a.layout.file_bytes / PAGE_BYTES) - 2 };
	assert_int_equal(fingerprint_make(&a.layout, &all, 1, FINGERPRINT_SIZES, &f), 0);
	assert_int_equal(pageset_append(&old, &(struct page_run){ 20, 10, 3, 7 }), 0);
	assert_int_equal(pageset_append(&old, &(struct page_run){ 40, 1, 1, 9 }), 0);
	assert_int_equal(retarget_pages(&f, &old, "/usr/bin/app", &b.layout, &r), 0);
	assert_false(r.is_same);
	for (size_t i = 0; i < r.pages.n_runs; i++) {
		const struct page_run *run = &r.pages.runs[i];
		bool is_first = run->first_pgno < 35;

		assert_true(run->first_pgno >= 20 && run->first_pgno < 43);
		assert_int_equal(run->runs, is_first ? 3 : 1);
		assert_int_equal(run->when, is_first ? 7 : 9);
	}
	assert_true(has_page(&r.pages, 25) && has_page(&r.pages, 30));
	assert_true(pageset_count(&r.pages) >= 9 && pageset_count(&r.pages) <= 14);
}

/* ---- by calls ---- */

enum { N_CALLING = 364 };

/* Functions of a tree, each of which calls three, in the order of PLACES; the root alone has a name. */
static void link_tree(struct layout *l, const uint32_t *places, const uint32_t *bytes)
{
	struct unwind_range ranges[N_CALLING] = { 0 };
	uint64_t at = 0x1000;

	*l = (struct layout){ .file_bytes = 0x80000, .content_hash = ++n_links };
	for (size_t i = 0; i < N_CALLING; i++) {
		ranges[places[i]].bytes = bytes[i];
	}
	for (size_t i = 0; i < N_CALLING; i++) {
		ranges[i].addr = at;
		at += (ranges[i].bytes + 15) & ~(uint64_t)15;
	}
	assert_int_equal(
		layout_add_section(l, SECTION_CODE, ".text", 0x1000, 0x1000, 0x70000), 0);
	assert_int_equal(layout_finish_sections(l), 0);
	assert_int_equal(layout_set_units(l, ranges, N_CALLING), 0);
	assert_int_equal(layout_add_key(l, ranges[places[0]].addr, false, "root", 4), 0);
	assert_int_equal(layout_finish_keys(l), 0);
	for (uint32_t place = 0; place < N_CALLING; place++) {
		uint32_t i = 0;

		while (places[i] != place)
			i++;
		for (uint32_t k = 1; k <= 3 && 3 * i + k < N_CALLING; k++)
			assert_int_equal(layout_add_call(l, ranges[place].addr + 5u * k,
							 ranges[places[3 * i + k]].addr),
					 0);
	}
}

/* All of them ran, and are known to call each other. */
static void know_calls(const struct layout *l, struct fingerprint *f)
{
	uint8_t all[UINT8_MAX];
	size_t pages[N_CALLING], units[N_CALLING];

	memset(all, 1, sizeof(all));
	for (size_t i = 0, n = 0; i < f->n_code; i++) {
		assert_int_equal(fingerprint_set_ran(f, i, all), 0);
		for (size_t k = 0; k < f->code[i].n_units && n < N_CALLING; k++, n++) {
			pages[n] = i;
			units[n] = k;
		}
	}
	for (size_t i = 0; i < l->n_calls; i++) {
		const struct call *c = &l->calls[i];
		size_t first = layout_calls_of(l, c->from);

		fingerprint_set_calls(f, pages[c->from], units[c->from],
				      layout_calls_of(l, c->from + 1) - first);
		assert_int_equal(fingerprint_add_call(f, pages[c->from], units[c->from],
						      (uint8_t)(i - first), pages[c->to],
						      units[c->to]),
				 0);
	}
}

/* Sizes and order of another compiler say nothing any more: who calls whom does. */
static void test_tree(void **state)
{
	static uint32_t places[2][N_CALLING], bytes[2][N_CALLING];
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(layout_done) struct layout from = { 0 }, to = { 0 };
	struct page_range range = { 1, 0x70 };
	unsigned right[2] = { 0 };

	(void)state;
	state_of_random = 11;
	for (uint32_t i = 0; i < N_CALLING; i++) {
		uint32_t other = next_random() % (i + 1);

		places[0][i] = i;
		places[1][i] = places[1][other];
		places[1][other] = i;
		bytes[0][i] = 200 + next_random() % 400;
		bytes[1][i] = bytes[0][i] * (80 + next_random() % 50) / 100;
	}
	link_tree(&from, places[0], bytes[0]);
	link_tree(&to, places[1], bytes[1]);
	assert_int_equal(fingerprint_make(&from, &range, 1, FINGERPRINT_KEYS, &f), 0);
	for (int known = 0; known < 2; known++) {
		struct old_code c;
		unsigned n = 0;

		if (known)
			know_calls(&from, &f);
		assert_int_equal(old_code_make(&f, &c), 0);
		assert_int_equal(align_code(&c, &to), 0);
		for (size_t i = 0; i < c.n_units && n < N_CALLING; i++) {
			if (unit_is_gap(c.units[i].code))
				continue;
			right[known] += c.units[i].to == places[1][n++];
		}
		assert_int_equal(n, N_CALLING);
		old_code_done(&c);
	}
	print_message("%u of %d are found by sizes, %u by calls\n", right[0], N_CALLING,
		      right[1]);
	assert_true(right[0] < N_CALLING / 4 && right[1] > N_CALLING * 3 / 4);
}

/* ---- by references ---- */

enum { N_TEXTS = 40, TEXTS_PGNO = 0x10 };

/* Each function refers to three pages of data, of which the FIRST-th is the one that it needs; all of it is written anew. */
static void link_referring(struct layout *l, unsigned first, uint32_t seed)
{
	static uint8_t data[3 * N_TEXTS * PAGE_BYTES];
	struct unwind_range ranges[N_TEXTS];

	*l = (struct layout){ .file_bytes = 0x100000, .content_hash = ++n_links };
	state_of_random = seed;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(next_random() >> 8);
	state_of_random = 5;
	for (size_t i = 0, at = 0x1000; i < N_TEXTS; i++) {
		ranges[i] = (struct unwind_range){ at, 200 + next_random() % 400 };
		at += (ranges[i].bytes + 15) & ~(uint64_t)15;
	}
	assert_int_equal(
		layout_add_section(l, SECTION_CODE, ".text", 0x1000, 0x1000, 0xa000), 0);
	assert_int_equal(layout_add_section(l, SECTION_DATA, ".rodata", 0x10000, 0x10000,
					    sizeof(data)),
			 0);
	assert_int_equal(layout_finish_sections(l), 0);
	assert_int_equal(layout_set_units(l, ranges, N_TEXTS), 0);
	assert_int_equal(layout_add_pieces(l, data, sizeof(data), 0x10000), 0);
	for (uint32_t i = 0; i < N_TEXTS; i++) {
		char name[16];
		int n = snprintf(name, sizeof(name), "function%u", i);

		assert_int_equal(layout_add_key(l, ranges[i].addr, false, name, (size_t)n),
				 0);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(layout_add_reference(l, ranges[i].addr + 5 * k,
							      (TEXTS_PGNO + 3 * i +
							       (k + 3 - first) % 3) *
								      (uint64_t)PAGE_BYTES),
					 0);
	}
	assert_int_equal(layout_finish_keys(l), 0);
}

/* Content is lost, and so is its order: which of its references a function needed is known. */
static void test_references(void **state)
{
	static const uint8_t second[32] = { 2 };
	_cleanup_(layout_done) struct layout from = { 0 }, to = { 0 };
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(pageset_done) struct pageset old = { 0 };
	struct page_range ranges[1 + N_TEXTS] = { { 1, 5 } };
	unsigned hits[2] = { 0 }, taken[2] = { 0 };
	uint8_t all[UINT8_MAX];

	(void)state;
	link_referring(&from, 0, 1);
	link_referring(&to, 2, 2);
	memset(all, 1, sizeof(all));
	assert_int_equal(pageset_append(&old, &(struct page_run){ 1, 5, 1, 1 }), 0);
	for (uint32_t i = 0; i < N_TEXTS; i++) {
		ranges[1 + i] = (struct page_range){ TEXTS_PGNO + 3 * i + 1, 1 };
		assert_int_equal(
			pageset_append(&old, &(struct page_run){ ranges[1 + i].first_pgno,
								 1, 1, 1 }),
			0);
	}
	assert_int_equal(fingerprint_make(&from, ranges, 1 + N_TEXTS, FINGERPRINT_KEYS, &f),
			 0);
	for (size_t i = 0; i < f.n_code; i++)
		assert_int_equal(fingerprint_set_ran(&f, i, all), 0);
	for (int known = 0; known < 2; known++) {
		_cleanup_(retargeted_done) struct retargeted r = { 0 };

		for (size_t i = 0; known && i < f.n_code; i++)
			for (size_t k = 0; k < f.code[i].n_units; k++)
				assert_int_equal(
					fingerprint_set_references(&f, i, k, 3, second), 0);
		for (size_t i = 0; known && i < f.n_data; i++)
			f.data[i].is_referred = true;
		assert_int_equal(retarget_pages(&f, &old, "/usr/bin/app", &to, &r), 0);
		for (uint32_t i = 0; i < 3 * N_TEXTS; i++) {
			taken[known] += has_page(&r.pages, TEXTS_PGNO + i);
			/* The second reference leads to the page behind that of the first. */
			hits[known] += i % 3 == 2 && has_page(&r.pages, TEXTS_PGNO + i);
		}
	}
	print_message("of %u pages %u, of %u with what was needed known %u\n", taken[0],
		      hits[0], taken[1], hits[1]);
	/* That, and where it was before. */
	assert_int_equal(hits[1], N_TEXTS);
	assert_true(taken[1] <= 2 * N_TEXTS && taken[0] > 5 * N_TEXTS / 2);
}

static void test_too_large(void **state)
{
	_cleanup_(layout_done) struct layout l = { .file_bytes = LIMIT_RETARGET_BYTES + 1 };
	struct fingerprint f = { 0 };
	struct pageset none = { 0 };
	struct retargeted r;

	(void)state;
	assert_int_equal(retarget_pages(&f, &none, "/usr/bin/app", &l, &r), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_content), cmocka_unit_test(test_update),
		cmocka_unit_test(test_other_sizes),  cmocka_unit_test(test_unrelated),
		cmocka_unit_test(test_shuffled),     cmocka_unit_test(test_far_apart),
		cmocka_unit_test(test_moved_data),   cmocka_unit_test(test_earliest),
		cmocka_unit_test(test_evidence),     cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_kin),	     cmocka_unit_test(test_constants),
		cmocka_unit_test(test_ran),	     cmocka_unit_test(test_tree),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
