/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_ELF_LAYOUT_H
#define ELFCAST_ELF_LAYOUT_H

#include "layout.h"

/*
 * What the ELF file at FD consists of. A damaged unwind table is as none: its code is one gap a
 * section. Read with pread; the file may be damaged or change meanwhile. -ENOEXEC not an ELF
 * file; -ENOTSUP of a kind that no process maps, or big endian; -EBADMSG damaged; -E2BIG over a
 * limit; -ENOMEM, -EIO. For layout_done().
 */
int elf_read_layout(int fd, struct layout *ret);

#endif
