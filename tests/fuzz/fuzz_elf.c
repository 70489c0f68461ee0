/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buildid_read() and libelf on the same bytes. With the section table cut off they must agree
 * completely, result and bytes. As it comes, what both find is the same; one of them alone may refuse a
 * damaged table, or what libelf makes of the number of its sections.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../helpers/libelf-buildid.h"
#include "buildid.h"
#include "macro.h"

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
	fd = memfd_create("fuzz_elf", MFD_CLOEXEC);
	REQUIRE(fd >= 0);
	return 0;
}

static void put(const void *data, size_t size, off_t off)
{
	REQUIRE(pwrite(fd, data, size, off) == (ssize_t)size);
}

static void strip_section_table(const uint8_t *data, size_t size)
{
	static const char zero[8];

	if (size < sizeof(Elf32_Ehdr))
		return;
	if (data[EI_CLASS] == ELFCLASS32) {
		put(zero, 4, offsetof(Elf32_Ehdr, e_shoff));
		put(zero, 4, offsetof(Elf32_Ehdr, e_shnum)); /* and e_shstrndx */
	} else if (size >= sizeof(Elf64_Ehdr)) {
		put(zero, 8, offsetof(Elf64_Ehdr, e_shoff));
		put(zero, 4, offsetof(Elf64_Ehdr, e_shnum));
	}
}

static int read_both(struct buildid *small, struct buildid *big, int *ret_big)
{
	int r = buildid_read(fd, small);

	*ret_big = libelf_buildid(fd, big);
	if (r == 0)
		REQUIRE(small->n_bytes > 0 && small->n_bytes <= BUILDID_MAX_BYTES);
	if (r == 0 && *ret_big == 0)
		REQUIRE(buildid_equal(small, big));
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buildid small, big;
	int r, r_big;

	REQUIRE(ftruncate(fd, 0) == 0);
	put(data, size, 0);
	r = read_both(&small, &big, &r_big);
	if (r != 0 && r_big == 0)
		REQUIRE(r == -ENOENT || r == -EBADMSG);
	if (r == 0 && r_big != 0)
		REQUIRE(r_big == -ENOENT || r_big == -EBADMSG);
	strip_section_table(data, size);
	r = read_both(&small, &big, &r_big);
	REQUIRE(r == r_big);
	return 0;
}
