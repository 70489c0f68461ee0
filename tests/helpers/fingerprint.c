/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fingerprint FILE sizes|keys PAGE...: the text that train writes of FILE when these are needed.
 * fingerprint FILE id: by which id it knows FILE.
 * fingerprint FILE calls: which function calls which, by their places in FILE.
 * fingerprint TEXT ran NUMBER: which functions of it ran, at random.
 * fingerprint FILE which TEXT RAN: of each function of which that is known 1 or 0, and its address.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "elf-id.h"
#include "elf-layout.h"
#include "fingerprint.h"
#include "search.h"

static int print_id(int fd)
{
	char hex[BUILDID_HEX_BYTES];
	struct buildid id;

	if (elf_id_read(fd, &id) < 0)
		return 1;
	buildid_to_hex(&id, hex);
	puts(hex);
	return 0;
}

static int print_calls(const struct layout *l)
{
	for (size_t i = 0; i < l->n_calls; i++)
		printf("%016llx %016llx\n",
		       (unsigned long long)l->units[l->calls[i].from].off,
		       (unsigned long long)l->units[l->calls[i].to].off);
	return 0;
}

static int print_ran(const char *text, unsigned number)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_free_ char *ran = NULL;
	uint8_t some[UINT8_MAX];

	if (fingerprint_read(text, strlen(text), &f) < 0)
		return 1;
	for (size_t i = 0; i < f.n_code; i++) {
		for (size_t k = 0; k < sizeof(some); k++)
			some[k] = (number = number * 1664525u + 1013904223u) >> 30 == 0;
		if ((number >> 16 & 3) && fingerprint_set_ran(&f, i, some) < 0)
			return 1;
	}
	if (fingerprint_write_ran(&f, text, &ran) < 0)
		return 1;
	puts(ran ? ran : "");
	return 0;
}

static int print_which(const struct layout *l, const char *text, const char *ran)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };

	if (fingerprint_read(text, strlen(text), &f) < 0 ||
	    fingerprint_read_ran(&f, text, ran, strlen(ran)) < 0)
		return 1;
	for (size_t i = 0; i < f.n_code; i++) {
		const struct code_page *p = &f.code[i];
		uint64_t start = (uint64_t)p->pgno * PAGE_BYTES;
		size_t u = SEARCH_FIRST(x, l->n_units, l->units[x].off < start);

		for (size_t k = 0; p->ran && k < p->n_units; k++, u++) {
			uint64_t off = l->units[u].off;
			const struct section *s = layout_section_at(l, off);

			if (!unit_is_gap(p->codes[k]))
				printf("%d %016llx\n", p->ran[k],
				       (unsigned long long)(off - s->off + s->addr));
		}
	}
	return 0;
}

int main(int argc, char *argv[])
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_(layout_done) struct layout l = { 0 };
	bool is_text = argc == 4 && strcmp(argv[2], "ran") == 0;
	_cleanup_close_ int fd =
		argc > 2 && !is_text ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	_cleanup_free_ struct page_range *pages = calloc((size_t)argc, sizeof(*pages));
	_cleanup_free_ char *text = NULL;
	bool has_keys = argc > 3 && strcmp(argv[2], "keys") == 0;

	if (is_text)
		return print_ran(argv[1], (unsigned)atoi(argv[3]));
	if (fd < 0 || !pages) {
		fputs("usage: fingerprint FILE id|calls|sizes|keys PAGE...\n"
		      "       fingerprint TEXT ran NUMBER\n"
		      "       fingerprint FILE which TEXT RAN\n",
		      stderr);
		return 2;
	}
	if (strcmp(argv[2], "id") == 0)
		return print_id(fd);
	if (strcmp(argv[2], "calls") == 0)
		return elf_read_layout(fd, &l) < 0 || print_calls(&l);
	if (strcmp(argv[2], "which") == 0 && argc == 5)
		return elf_read_layout(fd, &l) < 0 || print_which(&l, argv[3], argv[4]);
	for (int i = 3; i < argc; i++)
		pages[i - 3] = (struct page_range){ (uint32_t)atoi(argv[i]), 1 };
	if (elf_read_layout(fd, &l) < 0 ||
	    fingerprint_make(&l, pages, (size_t)argc - 3,
			     has_keys ? FINGERPRINT_KEYS : FINGERPRINT_SIZES, &f) < 0 ||
	    fingerprint_write(&f, &text) < 0)
		return 1;
	puts(text);
	return 0;
}
