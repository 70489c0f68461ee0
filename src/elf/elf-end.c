/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF_C_READ, never the mmap variant: another process may truncate the file. */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <string.h>

#include "bounds.h"
#include "elf-end.h"
#include "elf-private.h"
#include "macro.h"

DEFINE_CLEANUP(Elf *, elf_end)

static int libelf_error(void)
{
	/* No name for it in libelf.h; elf_errno() of what malloc() refused. */
	return errno == ENOMEM ? -ENOMEM : -EBADMSG;
}

/*
 * The number of program headers. libelf cuts it down to what the file has room for, which
 * is damage all the same; and follows PN_XNUM, which no file that Linux loads has.
 */
static int count_headers(Elf *elf, size_t *ret)
{
	GElf_Ehdr e;
	size_t n;

	if (!gelf_getehdr(elf, &e))
		return -EBADMSG;
	*ret = 0;
	if (e.e_phoff == 0 || e.e_phnum == 0)
		return 0;
	n = gelf_fsize(elf, ELF_T_PHDR, 1, EV_CURRENT);
	if (e.e_phentsize != n || e.e_phnum * n > LIMIT_ELF_HEADERS_BYTES ||
	    elf_getphdrnum(elf, ret) < 0)
		return -EBADMSG;
	return *ret == e.e_phnum ? 0 : -EBADMSG;
}

bool elf_has_extended_numbering(int fd)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} h = { 0 };
	ssize_t n = pread(fd, &h, sizeof(h), 0);

	if (n < (ssize_t)sizeof(h.e32) || memcmp(h.ident, ELFMAG, SELFMAG) != 0)
		return false;
	if (h.ident[EI_CLASS] == ELFCLASS32)
		return h.e32.e_shoff && !h.e32.e_shnum;
	/* What is cut off, or of neither class, is no ELF to anybody. */
	return h.ident[EI_CLASS] == ELFCLASS64 && n == sizeof(h.e64) && h.e64.e_shoff &&
	       !h.e64.e_shnum;
}

static int add_segments(Elf *elf, uint64_t *end)
{
	size_t n;

	if (count_headers(elf, &n) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr p;

		if (!gelf_getphdr(elf, (int)i, &p))
			return libelf_error();
		if (p.p_filesz > 0)
			*end = MAX(*end, p.p_offset + p.p_filesz);
	}
	return 0;
}

static int add_sections(Elf *elf, uint64_t *end)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr s;

		if (!gelf_getshdr(scn, &s))
			return -EBADMSG;
		if (s.sh_type != SHT_NOBITS && s.sh_type != SHT_NULL)
			*end = MAX(*end, s.sh_offset + s.sh_size);
	}
	return 0;
}

int elf_find_end(int fd, uint64_t *ret)
{
	_cleanup_(elf_endp) Elf *elf = NULL;
	GElf_Ehdr e;
	int r;

	if (elf_has_extended_numbering(fd))
		return -EBADMSG;
	elf_version(EV_CURRENT);
	errno = 0;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return errno ? -errno : -EBADMSG;
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &e))
		return -ENOEXEC;
	*ret = MAX(e.e_phoff + (uint64_t)e.e_phnum * e.e_phentsize,
		   e.e_shoff + (uint64_t)e.e_shnum * e.e_shentsize);
	r = add_segments(elf, ret);
	return r < 0 ? r : add_sections(elf, ret);
}
