/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notes of an open ELF file (any class and byte order), found with pread() alone. libc only.
 */
#ifndef ELFCAST_ELF_NOTES_H
#define ELFCAST_ELF_NOTES_H

#include <stdint.h>

struct elf_note {
	uint64_t
		off; /* in the file, of what the note says; within it when it was looked at */
	uint32_t bytes; /* at least 1 */
};

/*
 * The first note in a PT_NOTE segment of OWNER (at most 15 bytes) and TYPE. -ENOENT: none; -ENOEXEC: not an ELF file;
 * -EBADMSG: damaged, or empty; -EIO, ….
 */
int elf_note_find(int fd, const char *owner, uint32_t type, struct elf_note *ret);

#endif
