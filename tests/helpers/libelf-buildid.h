/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The build-id of an ELF file through libelf, to hold buildid_read() against: it shares no code with
 * it. What libelf does not bound (it would read a segment of any size into memory) is bounded here.
 */
#ifndef ELFCAST_LIBELF_BUILDID_H
#define ELFCAST_LIBELF_BUILDID_H

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "bounds.h"
#include "buildid.h"
#include "elf-private.h"

/* Build-id among the notes in DATA; -ENOENT none, -EBADMSG damaged before one was found. */
static inline int libelf_find_note(Elf_Data *data, struct buildid *ret)
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
static inline int libelf_find_in_range(Elf *elf, uint64_t off, uint64_t bytes,
				       uint64_t alignment, struct buildid *ret)
{
	Elf_Data *data;

	if (bytes == 0)
		return -ENOENT;
	if (bytes > LIMIT_ELF_NOTES_BYTES || off > INT64_MAX)
		return -EBADMSG;
	data = elf_getdata_rawchunk(elf, (int64_t)off, bytes,
				    alignment == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	return data ? libelf_find_note(data, ret) : -EBADMSG;
}

static inline int libelf_find_in_segments(Elf *elf, struct buildid *ret)
{
	int r, worst = -ENOENT;
	size_t n = 0;
	GElf_Ehdr e;

	if (!gelf_getehdr(elf, &e))
		return -EBADMSG;
	/* It cuts the number down to what the file has room for, and follows PN_XNUM. */
	if (e.e_phoff && e.e_phnum &&
	    (e.e_phentsize != gelf_fsize(elf, ELF_T_PHDR, 1, EV_CURRENT) ||
	     (size_t)e.e_phnum * e.e_phentsize > LIMIT_ELF_HEADERS_BYTES ||
	     elf_getphdrnum(elf, &n) < 0 || n != e.e_phnum)) {
		worst = -EBADMSG;
		n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr p;

		if (!gelf_getphdr(elf, (int)i, &p))
			return -EBADMSG;
		if (p.p_type != PT_NOTE)
			continue;
		r = libelf_find_in_range(elf, p.p_offset, p.p_filesz, p.p_align, ret);
		if (r != -ENOENT && r != -EBADMSG)
			return r;
		worst = r == -EBADMSG ? r : worst;
	}
	return worst;
}

/* Relocatable objects, and separated debug information, have notes in sections only. */
static inline int libelf_find_in_sections(Elf *elf, struct buildid *ret)
{
	int r, worst = -ENOENT;
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr s;

		if (!gelf_getshdr(scn, &s))
			return -EBADMSG;
		if (s.sh_type != SHT_NOTE || (s.sh_flags & SHF_COMPRESSED))
			continue;
		r = libelf_find_in_range(elf, s.sh_offset, s.sh_size, s.sh_addralign, ret);
		if (r != -ENOENT && r != -EBADMSG)
			return r;
		worst = r == -EBADMSG ? r : worst;
	}
	return worst;
}

/* As buildid_read(), but for errors of reading. */
static inline int libelf_buildid(int fd, struct buildid *ret)
{
	int r, sections;
	Elf *elf;

	/* It would allocate for as many sections as the first one claims. */
	if (elf_has_extended_numbering(fd))
		return -EBADMSG;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return -ENOEXEC;
	if (elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		return -ENOEXEC;
	}
	r = libelf_find_in_segments(elf, ret);
	if (r == -ENOENT || r == -EBADMSG) {
		sections = libelf_find_in_sections(elf, ret);
		r = sections == -ENOENT ? r : sections;
	}
	elf_end(elf);
	return r;
}

#endif
