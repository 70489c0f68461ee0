/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between elf*.c. */
#ifndef ELFCAST_ELF_PRIVATE_H
#define ELFCAST_ELF_PRIVATE_H

#include <stdbool.h>

#include "layout.h"

/*
 * Over 65279 sections, the count lies in the first section header and libelf allocates for
 * whatever it says. Zero is zero in both byte orders.
 */
bool elf_has_extended_numbering(int fd);

/* What the code of a file can refer to. */
struct elf_image {
	const char *texts; /* .rodata, NUL behind */
	uint64_t texts_addr, texts_bytes;
	bool is_fixed;	       /* loaded where it says: addresses are constants */
	uint64_t start, bytes; /* where that is */
	/* Functions of the file itself that are called by a stub, which jumps where a slot says. By AT. */
	struct elf_jump {
		uint64_t at, to;
	} * slots, *stubs;
	size_t n_slots, slots_capacity, n_stubs, stubs_capacity;
};

#define ELF_INSTRUCTION_BYTES 11u /* the longest of those that are looked at */

/* Keys, constants, calls and references of the N bytes of CODE, of x86-64, which is loaded at ADDR. Adds its stubs to M. -E2BIG, -ENOMEM. */
int elf_add_references(struct layout *l, struct elf_image *m, const uint8_t *code, size_t n,
		       uint64_t addr);

#endif
