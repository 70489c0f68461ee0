/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between elf*.c. */
#ifndef ELFCAST_ELF_PRIVATE_H
#define ELFCAST_ELF_PRIVATE_H

#include <stdbool.h>

/*
 * Over 65279 sections, the count lies in the first section header and libelf allocates for
 * whatever it says. Zero is zero in both byte orders.
 */
bool elf_has_extended_numbering(int fd);

#endif
