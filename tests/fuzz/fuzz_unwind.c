/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any unwind table: the first byte says whether addresses have 64 bits. What comes of it is a row
 * of units that lie in their section, one behind the other.
 */
#include <errno.h>
#include <stdlib.h>

#include "layout.h"
#include "unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                 \
	do {                                                                               \
		if (!(condition))                                                          \
			abort();                                                           \
	} while (0)

enum { TABLE_ADDR = 0x4000, CODE_ADDR = 0x1000, CODE_BYTES = 0x2000 };

static void check_units(const struct unwind_range *ranges, size_t n)
{
	_cleanup_(layout_done) struct layout l = { .file_bytes = 0x10000 };
	uint64_t end = CODE_ADDR;

	REQUIRE(layout_add_section(&l, SECTION_CODE, ".text", CODE_ADDR, CODE_ADDR,
				   CODE_BYTES) == 0);
	REQUIRE(layout_finish_sections(&l) == 0);
	REQUIRE(layout_set_units(&l, ranges, n) == 0);
	for (size_t i = 0; i < l.n_units; i++) {
		const struct unit *u = &l.units[i];

		REQUIRE(u->off >= end && u->bytes > 0);
		end = u->off + u->bytes;
		REQUIRE(end <= CODE_ADDR + CODE_BYTES);
		REQUIRE(!unit_is_gap(u->code) || u->bytes >= UNIT_MIN_GAP_BYTES);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ struct unwind_range *ranges = NULL;
	size_t n = 0;
	int r;

	if (size == 0)
		return 0;
	r = unwind_parse(data + 1, size - 1, TABLE_ADDR, data[0] & 1, &ranges, &n);
	REQUIRE(r == 0 || r == -EBADMSG);
	REQUIRE(n <= size / 8);
	if (r == 0)
		check_units(ranges, n);
	return 0;
}
