/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Both build-id readers on ELF files made by hand. WRITE_CORPUS=DIR writes each of them to
 * DIR: tests/fuzz/corpus/elf is made of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../helpers/libelf-buildid.h"
#include "bounds.h"
#include "buildid.h"
#include "elf-id.h"
#include "macro.h"

enum { PHDRS = 64, NOTES = 512, SHDRS = 1024, IMAGE_BYTES = 2048 };

struct image {
	uint8_t data[IMAGE_BYTES];
	size_t bytes;
	bool is_64, is_big_endian;
	unsigned n_headers, n_sections;
};

static void put(struct image *im, size_t off, size_t n, uint64_t value)
{
	assert_true(off + n <= IMAGE_BYTES);
	for (size_t i = 0; i < n; i++)
		im->data[off + (im->is_big_endian ? n - 1 - i : i)] =
			(uint8_t)(value >> 8 * i);
}

#define PUT(im, base, type, field, value)                                                  \
	((im)->is_64 ? put(im, (base) + offsetof(Elf64_##type, field),                     \
			   sizeof(((Elf64_##type *)0)->field), value)                      \
		     : put(im, (base) + offsetof(Elf32_##type, field),                     \
			   sizeof(((Elf32_##type *)0)->field), value))
#define SIZE(im, type) ((im)->is_64 ? sizeof(Elf64_##type) : sizeof(Elf32_##type))

static struct image image_make(bool is_64, bool is_big_endian)
{
	struct image im = { .bytes = SHDRS,
			    .is_64 = is_64,
			    .is_big_endian = is_big_endian };

	memcpy(im.data, ELFMAG, SELFMAG);
	im.data[EI_CLASS] = is_64 ? ELFCLASS64 : ELFCLASS32;
	im.data[EI_DATA] = is_big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	im.data[EI_VERSION] = EV_CURRENT;
	PUT(&im, 0, Ehdr, e_type, ET_DYN);
	PUT(&im, 0, Ehdr, e_machine, EM_X86_64);
	PUT(&im, 0, Ehdr, e_version, EV_CURRENT);
	PUT(&im, 0, Ehdr, e_ehsize, SIZE(&im, Ehdr));
	PUT(&im, 0, Ehdr, e_phoff, PHDRS);
	PUT(&im, 0, Ehdr, e_phentsize, SIZE(&im, Phdr));
	PUT(&im, 0, Ehdr, e_shentsize, SIZE(&im, Shdr));
	return im;
}

static void add_header(struct image *im, uint32_t type, uint64_t off, uint64_t bytes,
		       uint64_t alignment)
{
	size_t at = PHDRS + im->n_headers++ * SIZE(im, Phdr);

	PUT(im, at, Phdr, p_type, type);
	PUT(im, at, Phdr, p_offset, off);
	PUT(im, at, Phdr, p_filesz, bytes);
	PUT(im, at, Phdr, p_align, alignment);
	PUT(im, 0, Ehdr, e_phnum, im->n_headers);
}

static void add_section(struct image *im, uint32_t type, uint64_t off, uint64_t bytes)
{
	size_t at = SHDRS + im->n_sections++ * SIZE(im, Shdr);

	im->bytes = MAX(im->bytes, at + SIZE(im, Shdr));
	PUT(im, at, Shdr, sh_type, type);
	PUT(im, at, Shdr, sh_offset, off);
	PUT(im, at, Shdr, sh_size, bytes);
	PUT(im, at, Shdr, sh_addralign, 4);
	PUT(im, 0, Ehdr, e_shoff, SHDRS);
	PUT(im, 0, Ehdr, e_shnum, im->n_sections);
}

static size_t align_up(size_t n, size_t alignment)
{
	return (n + alignment - 1) / alignment * alignment;
}

/* A note named "GNU" with bytes FIRST, FIRST + 1, … at OFF; where the next one starts. */
static size_t put_note(struct image *im, size_t off, uint32_t type, uint8_t first,
		       uint32_t n, size_t alignment)
{
	size_t desc = off + align_up(12 + 4, alignment);

	put(im, off, 4, 4);
	put(im, off + 4, 4, n);
	put(im, off + 8, 4, type);
	memcpy(im->data + off + 12, "GNU", 4);
	for (uint32_t i = 0; i < n; i++)
		put(im, desc + i, 1, (uint8_t)(first + i));
	return align_up(desc + n, alignment);
}

static size_t put_id(struct image *im, size_t off, uint8_t first, uint32_t n)
{
	return put_note(im, off, NT_GNU_BUILD_ID, first, n, 4);
}

static struct image image_with_id(uint8_t first, uint32_t n)
{
	struct image im = image_make(true, false);

	add_header(&im, PT_NOTE, NOTES, put_id(&im, NOTES, first, n) - NOTES, 4);
	return im;
}

static int open_image(const struct image *im)
{
	int fd = memfd_create("test_elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, im->data, im->bytes, 0), im->bytes);
	return fd;
}

static void keep(const struct image *im, const char *name)
{
	const char *dir = getenv("WRITE_CORPUS");
	char path[4096];
	FILE *f;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(im->data, 1, im->bytes, f), im->bytes);
	assert_int_equal(fclose(f), 0);
}

static void check_one(const char *reader, const char *name, int r, int want,
		      const struct buildid *got, uint8_t first, uint32_t n)
{
	if (r != want)
		fail_msg("%s of '%s': %d, not %d", reader, name, r, want);
	if (r < 0)
		return;
	assert_int_equal(got->n_bytes, n);
	for (uint32_t i = 0; i < BUILDID_MAX_BYTES; i++)
		assert_int_equal(got->bytes[i], i < n ? (uint8_t)(first + i) : 0);
}

static void check_both(const struct image *im, const char *name, int want_small,
		       int want_big, uint8_t first, uint32_t n)
{
	_cleanup_close_ int fd = open_image(im);
	struct buildid small, big;

	keep(im, name);
	check_one("buildid_read", name, buildid_read(fd, &small), want_small, &small, first,
		  n);
	check_one("libelf", name, libelf_buildid(fd, &big), want_big, &big, first, n);
}

static void check_id(const struct image *im, const char *name, uint8_t first, uint32_t n)
{
	check_both(im, name, 0, 0, first, n);
}

static void check_error(const struct image *im, const char *name, int want)
{
	check_both(im, name, want, want, 0, 0);
}

static void test_classes_and_byte_orders(void **state)
{
	static const char *const names[] = { "32-little", "32-big", "64-little", "64-big" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct image im = image_make(i & 2, i & 1);
		size_t end = put_note(&im, NOTES, NT_GNU_ABI_TAG, 0, 16, 4);

		end = put_id(&im, end, 0x40, 20);
		add_header(&im, PT_LOAD, 0, SHDRS, 4096);
		add_header(&im, PT_NOTE, NOTES, end - NOTES, 4);
		check_id(&im, names[i], 0x40, 20);
	}
}

static void test_lengths(void **state)
{
	struct image im = image_with_id(1, 1);

	(void)state;
	check_id(&im, "id-1-byte", 1, 1);
	im = image_with_id(1, 8);
	check_id(&im, "id-8-bytes", 1, 8);
	im = image_with_id(1, 32);
	check_id(&im, "id-32-bytes", 1, 32);
	im = image_with_id(1, 33);
	check_error(&im, "id-33-bytes", -E2BIG);
	im = image_with_id(1, 200);
	check_error(&im, "id-200-bytes", -E2BIG);
	im = image_with_id(1, 0);
	check_error(&im, "id-empty", -EBADMSG);
}

static void test_no_elf(void **state)
{
	struct image im = { .bytes = 0 };

	(void)state;
	check_error(&im, "empty", -ENOEXEC);
	im = image_with_id(1, 20);
	im.bytes = 4;
	check_error(&im, "magic-only", -ENOEXEC);
	im.bytes = SHDRS;
	memcpy(im.data, "#!/bin/sh\n", 10);
	check_error(&im, "script", -ENOEXEC);
	im = image_with_id(1, 20);
	im.data[EI_CLASS] = 3;
	check_error(&im, "class-3", -ENOEXEC);
	im = image_with_id(1, 20);
	im.data[EI_DATA] = 0;
	check_error(&im, "order-0", -ENOEXEC);
	im = image_with_id(1, 20);
	im.data[EI_VERSION] = 2;
	check_error(&im, "version-2", -ENOEXEC);
}

static void test_no_id(void **state)
{
	struct image im = image_make(true, false);
	size_t end;

	(void)state;
	check_error(&im, "no-headers", -ENOENT);
	add_header(&im, PT_LOAD, 0, SHDRS, 4096);
	check_error(&im, "no-note", -ENOENT);
	add_header(&im, PT_NOTE, NOTES, 0, 4);
	check_error(&im, "note-empty", -ENOENT);
	end = put_note(&im, NOTES, NT_GNU_PROPERTY_TYPE_0, 0, 16, 4);
	add_header(&im, PT_NOTE, NOTES, end - NOTES, 4);
	check_error(&im, "note-other-type", -ENOENT);
	im = image_with_id(1, 20);
	im.data[NOTES + 12] = 'g';
	check_error(&im, "note-other-name", -ENOENT);
	im = image_with_id(1, 20);
	put(&im, NOTES, 4, 3); /* "GNU" without its NUL */
	check_error(&im, "note-name-3-bytes", -ENOENT);
	im = image_make(true, false);
	add_header(&im, PT_NOTE, SHDRS + 1, 0, 4);
	check_error(&im, "note-empty-past-end", -ENOENT);
	im = image_with_id(1, 20);
	PUT(&im, 0, Ehdr, e_phoff, 0);
	check_error(&im, "phoff-0", -ENOENT);
}

static void test_first_of_two(void **state)
{
	struct image im = image_make(true, false);
	size_t middle = put_id(&im, NOTES, 1, 20), end = put_id(&im, middle, 0x80, 20);

	(void)state;
	add_header(&im, PT_NOTE, NOTES, end - NOTES, 4);
	check_id(&im, "two-in-one", 1, 20);
	im.n_headers = 0;
	add_header(&im, PT_NOTE, middle, end - middle, 4);
	add_header(&im, PT_NOTE, NOTES, middle - NOTES, 4);
	check_id(&im, "two-segments", 0x80, 20);
	im.n_headers = 0;
	add_header(&im, PT_NOTE, NOTES, end - NOTES, 4);
	add_header(&im, PT_NOTE, middle, end - middle, 4);
	add_header(&im, PT_NOTE, NOTES + 4, 64, 4);
	check_id(&im, "overlapping", 1, 20);
}

/* Where descriptions start and end depends on p_align, and only 8 is special. */
static void test_alignment(void **state)
{
	static const uint64_t fours[] = { 0, 1, 2, 4, 16, 4096 };
	struct image im = image_make(true, false);
	size_t end = put_note(&im, NOTES, NT_GNU_PROPERTY_TYPE_0, 0, 4, 8);

	(void)state;
	end = put_note(&im, end, NT_GNU_BUILD_ID, 5, 20, 8);
	add_header(&im, PT_NOTE, NOTES, end - NOTES, 8);
	check_id(&im, "align-8", 5, 20);
	for (size_t i = 0; i < ARRAY_SIZE(fours); i++) {
		im = image_make(true, false);
		end = put_note(&im, NOTES, NT_GNU_ABI_TAG, 0, 3, 4);
		end = put_id(&im, end, 6, 20);
		add_header(&im, PT_NOTE, NOTES, end - NOTES, fours[i]);
		check_id(&im, "align-4", 6, 20);
	}
}

static void test_damaged_notes(void **state)
{
	struct image im = image_with_id(1, 20);

	(void)state;
	put(&im, NOTES, 4, UINT32_MAX);
	check_error(&im, "namesz-huge", -EBADMSG);
	put(&im, NOTES, 4, 1 << 20);
	check_error(&im, "namesz-big", -EBADMSG);
	im = image_with_id(1, 20);
	put(&im, NOTES + 4, 4, UINT32_MAX);
	check_error(&im, "descsz-huge", -EBADMSG);
	put(&im, NOTES + 4, 4, 21);
	check_error(&im, "descsz-one-more", -EBADMSG);
	im = image_make(true, false);
	add_header(&im, PT_NOTE, NOTES, 11, 4);
	check_error(&im, "note-11-bytes", -EBADMSG);
}

static void test_damaged_segments(void **state)
{
	struct image im = image_make(true, false);
	size_t end = put_id(&im, NOTES, 9, 20);

	(void)state;
	add_header(&im, PT_NOTE, SHDRS - 8, 36, 4);
	check_error(&im, "segment-past-end", -EBADMSG);
	add_header(&im, PT_NOTE, NOTES, end - NOTES, 4);
	check_id(&im, "segment-past-end-then-good", 9, 20);
	im.n_headers = 0;
	add_header(&im, PT_NOTE, UINT64_MAX - 8, 36, 4);
	check_error(&im, "segment-wraps", -EBADMSG);
	im.n_headers = 0;
	add_header(&im, PT_NOTE, NOTES, UINT64_MAX, 4);
	check_error(&im, "segment-endless", -EBADMSG);
	im.n_headers = 0;
	add_header(&im, PT_NOTE, INT64_MAX - 4, 36, 4);
	check_error(&im, "segment-past-2^63", -EBADMSG);
	im = image_with_id(1, 20);
	im.bytes = NOTES + 20;
	check_error(&im, "cut-in-note", -EBADMSG);
}

static void test_damaged_headers(void **state)
{
	struct image im = image_with_id(1, 20);

	(void)state;
	im.bytes = 63;
	check_error(&im, "cut-in-header", -ENOEXEC);
	im.bytes = PHDRS + 55;
	check_error(&im, "cut-in-program-header", -EBADMSG);
	im = image_with_id(1, 20);
	PUT(&im, 0, Ehdr, e_phnum, PN_XNUM);
	check_error(&im, "phnum-extended", -EBADMSG);
	PUT(&im, 0, Ehdr, e_phnum, LIMIT_ELF_HEADERS_BYTES / sizeof(Elf64_Phdr) + 1);
	check_error(&im, "phnum-over-limit", -EBADMSG);
	im = image_with_id(1, 20);
	PUT(&im, 0, Ehdr, e_phentsize, 32);
	check_error(&im, "phentsize-32", -EBADMSG);
	im = image_with_id(1, 20);
	PUT(&im, 0, Ehdr, e_phoff, UINT64_MAX);
	check_error(&im, "phoff-wraps", -EBADMSG);
	PUT(&im, 0, Ehdr, e_phoff, SHDRS);
	check_error(&im, "phoff-at-end", -EBADMSG);
}

static void test_program_header_limit(void **state)
{
	const unsigned limit = LIMIT_ELF_HEADERS_BYTES / sizeof(Elf64_Phdr);
	struct image im = image_with_id(1, 20);

	(void)state;
	for (unsigned n = limit; n <= limit + 1; n++) {
		int want = n == limit ? 0 : -EBADMSG;
		_cleanup_close_ int fd = -1;
		struct buildid small, big;

		PUT(&im, 0, Ehdr, e_phnum, n);
		fd = open_image(&im);
		assert_int_equal(ftruncate(fd, 2 * LIMIT_ELF_HEADERS_BYTES), 0);
		check_one("buildid_read", "limit", buildid_read(fd, &small), want, &small,
			  1, 20);
		check_one("libelf", "limit", libelf_buildid(fd, &big), want, &big, 1, 20);
	}
}

static void test_note_segment_limit(void **state)
{
	struct image im = image_make(true, false);
	_cleanup_close_ int fd = -1;
	struct buildid small, big;

	(void)state;
	put_id(&im, NOTES, 1, 20);
	add_header(&im, PT_NOTE, NOTES, LIMIT_ELF_NOTES_BYTES, 4);
	fd = open_image(&im);
	assert_int_equal(ftruncate(fd, NOTES + LIMIT_ELF_NOTES_BYTES + 4), 0);
	check_one("buildid_read", "limit", buildid_read(fd, &small), 0, &small, 1, 20);
	check_one("libelf", "limit", libelf_buildid(fd, &big), 0, &big, 1, 20);
	im.n_headers = 0;
	add_header(&im, PT_NOTE, NOTES, LIMIT_ELF_NOTES_BYTES + 4, 4);
	assert_int_equal(pwrite(fd, im.data, im.bytes, 0), im.bytes);
	assert_int_equal(buildid_read(fd, &small), -EBADMSG);
	assert_int_equal(libelf_buildid(fd, &big), -EBADMSG);
}

static void test_sections(void **state)
{
	struct image im = image_make(true, false);
	size_t end = put_id(&im, NOTES, 0x70, 20);

	(void)state;
	add_section(&im, SHT_NULL, 0, 0);
	add_section(&im, SHT_PROGBITS, NOTES, end - NOTES);
	check_error(&im, "section-no-note", -ENOENT);
	add_section(&im, SHT_NOTE, NOTES, end - NOTES);
	PUT(&im, SHDRS + 2 * sizeof(Elf64_Shdr), Shdr, sh_flags, SHF_COMPRESSED);
	check_error(&im, "section-compressed", -ENOENT);
	PUT(&im, SHDRS + 2 * sizeof(Elf64_Shdr), Shdr, sh_flags, 0);
	check_id(&im, "section-note", 0x70, 20);
	/* The segment is asked first. */
	add_header(&im, PT_NOTE, 700, put_id(&im, 700, 0x10, 20) - 700, 4);
	check_id(&im, "section-and-segment", 0x10, 20);
	im.n_headers = 0;
	add_header(&im, PT_NOTE, SHDRS - 8, 8, 4);
	check_id(&im, "section-saves", 0x70, 20);
	im.n_headers = 0;
	PUT(&im, 0, Ehdr, e_phoff, 0);
	check_id(&im, "section-no-segments", 0x70, 20);
	PUT(&im, 0, Ehdr, e_shentsize, sizeof(Elf32_Shdr));
	/* libelf does not look at it. */
	check_both(&im, "section-entry-bytes", -EBADMSG, 0, 0x70, 20);
	PUT(&im, 0, Ehdr, e_shentsize, sizeof(Elf64_Shdr));
	PUT(&im, SHDRS + 2 * sizeof(Elf64_Shdr), Shdr, sh_size, UINT64_MAX - NOTES);
	check_error(&im, "section-wraps", -EBADMSG);
}

/* libelf would allocate for as many sections as the first one claims. */
static void test_section_count_in_first_section(void **state)
{
	struct image im = image_with_id(3, 20);

	(void)state;
	add_section(&im, SHT_NULL, 0, UINT64_MAX / 128);
	PUT(&im, 0, Ehdr, e_shnum, 0);
	check_both(&im, "section-count-huge", 0, -EBADMSG, 3, 20);
}

/* By the first page alone, however long the file is; a build-id that is there comes first. */
static void test_made_id(void **state)
{
	static const char head[64] = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 };
	static char file[2 * PAGE_BYTES];
	_cleanup_close_ int fd = memfd_create("made-id", MFD_CLOEXEC),
			    self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct buildid first, b;

	(void)state;
	memcpy(file, head, sizeof(head));
	assert_int_equal(pwrite(fd, file, sizeof(file), 0), sizeof(file));
	assert_int_equal(buildid_read(fd, &b), -ENOENT);
	assert_int_equal(elf_id_read(fd, &first), 1);
	assert_int_equal(first.n_bytes, 8);
	assert_int_equal(pwrite(fd, "x", 1, PAGE_BYTES), 1);
	assert_int_equal(ftruncate(fd, 3 * PAGE_BYTES), 0);
	assert_int_equal(elf_id_read(fd, &b), 1);
	assert_true(buildid_equal(&first, &b));
	assert_int_equal(pwrite(fd, "x", 1, PAGE_BYTES - 1), 1);
	assert_int_equal(elf_id_read(fd, &b), 1);
	assert_false(buildid_equal(&first, &b));
	assert_int_equal(ftruncate(fd, sizeof(head)), 0);
	assert_int_equal(elf_id_read(fd, &b), 1);
	assert_int_equal(pwrite(fd, "?", 1, 0), 1);
	assert_int_equal(elf_id_read(fd, &b), -ENOEXEC);
	assert_int_equal(buildid_read(self, &first), 0);
	assert_int_equal(elf_id_read(self, &b), 0);
	assert_true(buildid_equal(&first, &b));
}

static void test_not_a_file(void **state)
{
	_cleanup_close_ int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct buildid b;
	int p[2];

	(void)state;
	assert_int_equal(buildid_read(dir, &b), -EISDIR);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(buildid_read(p[0], &b), -ESPIPE);
	close(p[0]);
	close(p[1]);
	assert_int_equal(buildid_read(p[0], &b), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes_and_byte_orders),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_no_elf),
		cmocka_unit_test(test_no_id),
		cmocka_unit_test(test_first_of_two),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_damaged_notes),
		cmocka_unit_test(test_damaged_segments),
		cmocka_unit_test(test_damaged_headers),
		cmocka_unit_test(test_program_header_limit),
		cmocka_unit_test(test_note_segment_limit),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_section_count_in_first_section),
		cmocka_unit_test(test_made_id),
		cmocka_unit_test(test_not_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
