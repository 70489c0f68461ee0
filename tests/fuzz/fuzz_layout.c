/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any file as an ELF file: its layout, a fingerprint of all its pages, and these pages looked for
 * in the same layout: as a file of the same content, and as another one, also where all functions are known to have run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bounds.h"
#include "elf-layout.h"
#include "fingerprint.h"
#include "retarget.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                 \
	do {                                                                               \
		if (!(condition))                                                          \
			abort();                                                           \
	} while (0)

static int fd;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fd = memfd_create("fuzz_layout", MFD_CLOEXEC);
	REQUIRE(fd >= 0);
	return 0;
}

static void check_layout(const struct layout *l, size_t size)
{
	uint64_t end = 0;

	REQUIRE(l->file_bytes == size);
	for (size_t i = 0; i < l->n_sections; i++) {
		REQUIRE(l->sections[i].off >= end && l->sections[i].bytes > 0);
		end = l->sections[i].off + l->sections[i].bytes;
	}
	REQUIRE(end == size);
	end = 0;
	for (size_t i = 0; i < l->n_units; i++) {
		REQUIRE(l->units[i].off >= end && l->units[i].bytes > 0);
		end = l->units[i].off + l->units[i].bytes;
	}
	REQUIRE(end <= size);
	for (size_t i = 0; i < l->n_pieces; i++)
		REQUIRE(l->pieces[i].off < size);
	for (size_t i = 0; i < l->n_calls; i++) {
		REQUIRE(l->calls[i].from < l->n_units && l->calls[i].to < l->n_units);
		REQUIRE(i == 0 || l->calls[i].from >= l->calls[i - 1].from);
	}
	for (size_t i = 0; i < l->n_references; i++) {
		const struct reference *r = &l->references[i];

		REQUIRE(r->from < l->n_units && (uint64_t)r->pgno * PAGE_BYTES < size);
		REQUIRE(i == 0 || r->from >= r[-1].from);
	}
}

/* All that can be, and the first call of each page's first unit to that of the next page. */
static void know_what_ran(struct fingerprint *f)
{
	uint8_t all[UINT8_MAX];

	memset(all, 1, sizeof(all));
	for (size_t i = 0; i < f->n_code; i++)
		REQUIRE(fingerprint_set_ran(f, i, all) == 0);
	for (size_t i = 0; i + 1 < f->n_code; i++) {
		if (!f->code[i].n_units || !f->code[i + 1].n_units)
			continue;
		fingerprint_set_calls(f, i, 0, i % 300);
		REQUIRE(fingerprint_add_call(f, i, 0, (uint8_t)(i / 2), i + 1, 0) == 0);
		REQUIRE(fingerprint_add_call(f, i, 0, 0, i, f->code[i].n_units - 1u) == 0);
	}
	for (size_t i = 0; i < f->n_code; i++)
		for (size_t k = 0; k < f->code[i].n_units; k++)
			REQUIRE(fingerprint_set_references(
					f, i, k, (unsigned)(i * 7 + k * 3), all) == 0);
	for (size_t i = 0; i < f->n_data; i += 2)
		f->data[i].is_referred = true;
}

static void check_retarget(const struct fingerprint *f, const struct layout *l,
			   uint32_t n_pages)
{
	_cleanup_(pageset_done) struct pageset all = { 0 };
	_cleanup_(retargeted_done) struct retargeted r = { 0 };

	if (n_pages)
		REQUIRE(pageset_append(&all, &(struct page_run){ 0, n_pages, 1, 1 }) == 0);
	REQUIRE(retarget_pages(f, &all, "/usr/bin/app", l, &r) == 0);
	REQUIRE(r.confidence <= 100 && r.coverage <= 100);
	REQUIRE(pageset_end(&r.pages) <= n_pages);
	if (f->content_hash == l->content_hash)
		REQUIRE(r.is_same && pageset_equal(&r.pages, &all));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 }, again = { 0 };
	_cleanup_(layout_done) struct layout l = { 0 };
	_cleanup_free_ char *text = NULL, *ran = NULL;
	struct page_range all = { 0, (uint32_t)DIV_ROUND_UP(size, PAGE_BYTES) };
	int r;

	REQUIRE(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	r = elf_read_layout(fd, &l);
	if (r < 0) {
		REQUIRE(r == -ENOEXEC || r == -ENOTSUP || r == -EBADMSG || r == -E2BIG);
		return 0;
	}
	check_layout(&l, size);
	REQUIRE(fingerprint_make(&l, &all, all.n_pages > 0, FINGERPRINT_KEYS, &f) == 0);
	r = fingerprint_write(&f, &text);
	REQUIRE(r == 0 || r == -E2BIG);
	check_retarget(&f, &l, all.n_pages);
	f.content_hash++;
	check_retarget(&f, &l, all.n_pages);
	know_what_ran(&f);
	check_retarget(&f, &l, all.n_pages);
	fingerprint_drop_keys(&f, false);
	check_retarget(&f, &l, all.n_pages);
	fingerprint_drop_keys(&f, true);
	check_retarget(&f, &l, all.n_pages);
	if (text) {
		REQUIRE(fingerprint_write_ran_of(&f, text, &ran) == 0);
		REQUIRE(fingerprint_read(text, strlen(text), &again) == 0);
		REQUIRE(again.file_bytes == size);
		REQUIRE(!ran || fingerprint_read_ran(&again, text, ran, strlen(ran)) == 0);
	}
	return 0;
}
