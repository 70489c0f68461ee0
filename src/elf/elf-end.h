/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_ELF_END_H
#define ELFCAST_ELF_END_H

#include <stdint.h>

/*
 * Where the ELF file at FD ends, as its headers say: behind the last of segments, sections and the
 * tables of both. What lies there is not its own. -ENOEXEC, -EBADMSG, -EIO, -ENOMEM.
 */
int elf_find_end(int fd, uint64_t *ret);

#endif
