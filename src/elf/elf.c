/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ELF_C_READ, never the mmap variant: another process may truncate the file. What libelf
 * does not bound (it would read a segment of any size into memory) is bounded here, with
 * the limits of buildid_read().
 */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <string.h>

#include "bounds.h"
#include "elf-end.h"
#include "elf-private.h"
#include "elf.h"
#include "macro.h"

DEFINE_CLEANUP(Elf *, elf_end)

static int libelf_error(void)
{
	/* No name for it in libelf.h; elf_errno() of what malloc() refused. */
	return errno == ENOMEM ? -ENOMEM : -EBADMSG;
}

/* Build-id among the notes in DATA; -ENOENT none, -EBADMSG damaged before one was found. */
static int find_note(Elf_Data *data, struct buildid *ret)
{
	size_t off = 0, name_off, desc_off;
	GElf_Nhdr n;

	while (off < data->d_size) {
		const char *bytes = data->d_buf;

		off = gelf_getnote(data, off, &n, &name_off, &desc_off);
		if (off == 0)
			return -EBADMSG;
		if (n.n_type != NT_GNU_BUILD_ID || n.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp(bytes + name_off, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) != 0)
			continue;
		if (n.n_descsz == 0)
			return -EBADMSG;
		return buildid_from_bytes(bytes + desc_off, n.n_descsz, ret);
	}
	return -ENOENT;
}

/* The notes at [OFF, OFF + BYTES) of the file. */
static int find_in_range(Elf *elf, uint64_t off, uint64_t bytes, uint64_t alignment,
			 struct buildid *ret)
{
	Elf_Data *data;

	if (bytes == 0)
		return -ENOENT;
	if (bytes > LIMIT_ELF_NOTES_BYTES || off > INT64_MAX)
		return -EBADMSG;
	errno = 0;
	data = elf_getdata_rawchunk(elf, (int64_t)off, bytes,
				    alignment == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	return data ? find_note(data, ret) : libelf_error();
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

static int find_in_segments(Elf *elf, struct buildid *ret)
{
	int r, worst = -ENOENT;
	size_t n = 0;

	if (count_headers(elf, &n) < 0)
		worst = -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr p;

		errno = 0;
		if (!gelf_getphdr(elf, (int)i, &p))
			return libelf_error();
		if (p.p_type != PT_NOTE)
			continue;
		r = find_in_range(elf, p.p_offset, p.p_filesz, p.p_align, ret);
		if (r != -ENOENT && r != -EBADMSG)
			return r;
		worst = r == -EBADMSG ? r : worst;
	}
	return worst;
}

/* Relocatable objects, and separated debug information, have notes in sections only. */
static int find_in_sections(Elf *elf, struct buildid *ret)
{
	int r, worst = -ENOENT;
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr s;

		if (!gelf_getshdr(scn, &s))
			return -EBADMSG;
		if (s.sh_type != SHT_NOTE || (s.sh_flags & SHF_COMPRESSED))
			continue;
		r = find_in_range(elf, s.sh_offset, s.sh_size, s.sh_addralign, ret);
		if (r != -ENOENT && r != -EBADMSG)
			return r;
		worst = r == -EBADMSG ? r : worst;
	}
	return worst;
}

bool elf_has_extended_numbering(int fd)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} h = { 0 };

	if (pread(fd, &h, sizeof(h), 0) < (ssize_t)sizeof(h.e32))
		return false;
	return h.ident[EI_CLASS] == ELFCLASS32 ? h.e32.e_shoff && !h.e32.e_shnum
					       : h.e64.e_shoff && !h.e64.e_shnum;
}

static int read_with_libelf(int fd, struct buildid *ret)
{
	_cleanup_(elf_endp) Elf *elf = NULL;
	int segments, sections;

	elf_version(EV_CURRENT);
	errno = 0;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return errno ? -errno : -EBADMSG;
	if (elf_kind(elf) != ELF_K_ELF)
		return -ENOEXEC;
	segments = find_in_segments(elf, ret);
	if (segments != -ENOENT && segments != -EBADMSG)
		return segments;
	sections = find_in_sections(elf, ret);
	return sections == -ENOENT ? segments : sections;
}

static bool is_about_the_file(int error)
{
	return error == -ENOENT || error == -ENOEXEC || error == -EBADMSG ||
	       error == -E2BIG;
}

int elf_read_buildid(int fd, struct buildid *ret)
{
	int r, second;

	if (elf_has_extended_numbering(fd))
		return buildid_read(fd, ret);
	r = read_with_libelf(fd, ret);
	if (r == 0 || r == -ENOENT)
		return r;
	/*
	 * libelf does not tell a damaged file from one that could not be read. It matters: the
	 * first is a fact to remember, the second may be over the next time.
	 */
	second = buildid_read(fd, ret);
	return second == 0 || !is_about_the_file(second) ? second : r;
}

/* ---- the end ---- */

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
