/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_ELF_ID_H
#define ELFCAST_ELF_ID_H

#include "buildid.h"

/*
 * By which id profiles know the ELF file at FD. 0: its build-id; 1: it has none (what Go and Rust
 * link often has not), and RET is XXH3-64 of its first 4096 bytes, which have the sizes of all
 * that is loaded and so tell one version from the next. Else as buildid_read().
 */
int elf_id_read(int fd, struct buildid *ret);

#endif
