/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only user of libelf: facts about an ELF file open for reading. */
#ifndef ELFCAST_ELF_H
#define ELFCAST_ELF_H

#include "buildid.h"

/*
 * Build-id of the file at FD, as buildid_read() but through libelf (segments first, then
 * sections, so that relocatable objects have one too). Same errors, and -ENOMEM. It reads
 * with pread; the file may be damaged or change meanwhile.
 */
int elf_read_buildid(int fd, struct buildid *ret);

#endif
