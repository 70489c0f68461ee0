/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where functions begin and end, from the unwind table (.eh_frame) that stripped files keep.
 * Little endian files; what a table says is not trusted, and not held against the file here.
 */
#ifndef ELFCAST_UNWIND_H
#define ELFCAST_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unwind_range {
	uint64_t addr, bytes; /* as the table says: any */
};

/*
 * The ranges of the BYTES of a table that is loaded at ADDR, in its order. -EBADMSG damaged,
 * or of a kind that no linker makes; -E2BIG over LIMIT_FUNCTIONS; -ENOMEM. New.
 */
int unwind_parse(const void *data, size_t bytes, uint64_t addr, bool is_64,
		 struct unwind_range **ret, size_t *ret_n);

#endif
