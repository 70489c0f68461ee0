/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an ELF file consists of, as far as it tells where the pages of another build of it went:
 * sections, functions and their sizes, pieces of read-only data. Offsets are the file's. Made by
 * elf_read_layout(); in here nobody knows ELF.
 */
#ifndef ELFCAST_LAYOUT_H
#define ELFCAST_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "macro.h"

struct unwind_range;

/* What a section is for; the numbers stand in profiles. */
enum section_kind {
	SECTION_HEAD, /* what stands in front of the first */
	SECTION_CODE,
	SECTION_DATA, /* read-only data: strings, constants, jump tables */
	SECTION_UNWIND,
	SECTION_TABLE,	  /* the dynamic linker's: symbols, hashes, relocations; notes */
	SECTION_WRITABLE, /* relocated data and variables */
	SECTION_TAIL,	  /* what stands behind the last: what no process maps */
	N_SECTION_KINDS,
};

struct section {
	enum section_kind kind;
	uint16_t name; /* 13 bits of its name's hash */
	uint64_t addr; /* 0 where it came from a profile */
	uint64_t off, bytes;
};

/*
 * A function, or code that no function's range covers: a gap. Sizes are known as codes: eight
 * steps an octave from 8 bytes on for functions, two for gaps.
 */
struct unit {
	uint64_t off, bytes;
	uint8_t code;
};
#define UNIT_FIRST_GAP_CODE 192u
#define UNIT_MIN_GAP_BYTES  64u

uint8_t unit_code(uint64_t bytes, bool is_gap);
static inline bool unit_is_gap(uint8_t code)
{
	return code >= UNIT_FIRST_GAP_CODE;
}
/* The middle of the sizes that have CODE. */
uint64_t unit_code_bytes(uint8_t code);
/* The one of them that is next to BYTES. */
uint64_t unit_code_bytes_near(uint8_t code, uint64_t bytes);

/* What tells one unit from all others of its file: 24 bits of a hash. */
struct key {
	uint32_t unit; /* its number */
	uint32_t hash : 24;
	uint32_t is_constant : 1; /* which tells less than a name or a text */
};

/* Whether HASH has what those of constants have, and one of eight others. */
static inline bool key_may_be_constant(uint32_t hash)
{
	return (hash & 7) == 7;
}

/* A number that stands in the code of a unit. */
struct constant {
	uint32_t unit, value;
};

/* From one unit to the beginning of one. */
struct call {
	uint32_t from, to;
};

/* From a unit to a page of read-only data. */
struct reference {
	uint32_t from, pgno;
};

/* A piece of read-only data, cut where its content says so. */
struct piece {
	uint64_t off;
	uint32_t hash; /* 24 bits */
};

struct layout {
	uint64_t file_bytes;
	uint64_t content_hash; /* of all that is loaded, but the build-id */
	/* By offset, disjoint, HEAD first and TAIL last; they cover the file but for gaps. */
	struct section *sections;
	size_t n_sections, sections_capacity;
	struct unit *units; /* by offset, disjoint */
	size_t n_units, units_capacity;
	/* Once layout_finish_keys() was called: by unit, constants last, then by hash. */
	struct key *keys;
	size_t n_keys, keys_capacity;
	struct constant *constants; /* until then */
	size_t n_constants, constants_capacity;
	struct call *calls; /* by who calls, and of one unit by place */
	size_t n_calls, calls_capacity;
	struct reference *references; /* by who refers, and of one unit by place */
	size_t n_references, references_capacity;
	struct piece *pieces; /* by offset */
	size_t n_pieces, pieces_capacity;
	/* The unit that called last, and the addresses that are its own from there on. */
	size_t last_unit;
	uint64_t last_addr, last_bytes;
	char *soname; /* that the file gives itself; NULL: none */
};

void layout_done(struct layout *l);

/*
 * Add a section, in any order; empty ones are left out. BYTES of NAME are looked at. -E2BIG over
 * LIMIT_SECTIONS; -ENOMEM.
 */
int layout_add_section(struct layout *l, enum section_kind kind, const char *name,
		       uint64_t addr, uint64_t off, uint64_t bytes);
/*
 * All sections are there, and l->file_bytes is set: sort them and add what is before and behind.
 * -EBADMSG where they overlap or leave the file.
 */
int layout_finish_sections(struct layout *l);

/* Units from functions' ranges, in any order, and gaps between them. Ranges may lie. -ENOMEM */
int layout_set_units(struct layout *l, const struct unwind_range *ranges, size_t n);
/*
 * NAME, or any text, belongs to the unit that starts at (or, with ANYWHERE, has) the byte at ADDR.
 * -E2BIG, -ENOMEM.
 */
int layout_add_key(struct layout *l, uint64_t addr, bool anywhere, const char *name,
		   size_t bytes);
/* VALUE stands in the unit that has the byte at ADDR. Over LIMIT_FUNCTIONS it is forgotten. -ENOMEM. */
int layout_add_constant(struct layout *l, uint64_t addr, uint32_t value);
/*
 * What is at ADDR calls TO, or jumps there. In ascending order; others are left out, as are those that lead to no
 * unit's beginning, or within one. Over LIMIT_CALLS it is forgotten. -ENOMEM.
 */
int layout_add_call(struct layout *l, uint64_t addr, uint64_t to);
/* The same of an address that it takes, where that is of read-only data. */
int layout_add_reference(struct layout *l, uint64_t addr, uint64_t to);
size_t layout_references_of(const struct layout *l, uint32_t i);
/* The first call of unit I; those of the next one follow. */
size_t layout_calls_of(const struct layout *l, uint32_t i);
/* Sort them; what belongs to several units tells nothing, and goes. -ENOMEM. */
int layout_finish_keys(struct layout *l);

/* The pieces of DATA, which is at OFF of the file. By offset. -E2BIG, -ENOMEM. */
int layout_add_pieces(struct layout *l, const void *data, size_t bytes, uint64_t off);

/* The section that has the byte at OFF, NULL: none. */
const struct section *layout_section_at(const struct layout *l, uint64_t off);

#endif
