/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What functions of x86-64 alone have: texts whose address they take, and numbers. Bytes are looked at
 * one after the other, whether an instruction begins there or not: nothing needs to know all of them, and what only
 * looks like one seldom hits a text's beginning, or is there once in another build as well.
 */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "elf-private.h"
#include "le.h"
#include "search.h"
#include "utf8.h"
#include "vec.h"

enum { MIN_TEXT_BYTES = 5, MAX_TEXT_BYTES = 256 };
/* Sizes, offsets in structs and small counts are everywhere. */
enum { MIN_CONSTANT = 0x1000 };

static uint32_t value_at(const uint8_t *p)
{
	le32 value;

	memcpy(&value, p, sizeof(value));
	return le32_get(value);
}

/* The text at ADDR, and its bytes with the NUL. NULL: none that looks like one. */
static const char *text_at(const struct elf_image *m, uint64_t addr, size_t *ret_bytes)
{
	uint64_t at = addr - m->texts_addr, n;

	if (at >= m->texts_bytes || (at > 0 && m->texts[at - 1]))
		return NULL;
	n = strnlen(m->texts + at, MIN(MAX_TEXT_BYTES - 1, m->texts_bytes - at));
	if (n < MIN_TEXT_BYTES || utf8_plain(m->texts + at, n) < n)
		return NULL;
	*ret_bytes = n + 1;
	return m->texts + at;
}

/*
 * The address that the instruction at P, at ADDR, takes: "lea disp(%rip), %reg", or in a file that
 * is not relocated "mov $addr, %reg".
 */
static uint64_t address_in(const struct elf_image *m, const uint8_t *p, uint64_t addr)
{
	if ((p[0] & 0xfb) == 0x48 && p[1] == 0x8d && (p[2] & 0xc7) == 0x05)
		return addr + 7 + (uint64_t)(int64_t)(int32_t)value_at(p + 3);
	return m->is_fixed && (p[0] & 0xf8) == 0xb8 ? value_at(p + 1) : 0;
}

/* How many bytes a ModRM byte has behind it in an instruction: SIB and displacement. */
static size_t operand_bytes(uint8_t modrm)
{
	unsigned mode = modrm >> 6, base = modrm & 7;

	return (mode != 3 && base == 4) + (mode == 1				   ? 1u
					   : mode == 2 || (mode == 0 && base == 5) ? 4u
										   : 0u);
}

/* The number of 32 bits in the instruction at P: of mov, imul with one, add, or, and, sub, xor or cmp. */
static uint32_t constant_in(const struct elf_image *m, const uint8_t *p)
{
	uint32_t value = 0;

	if ((p[0] & 0xf8) == 0xb8)
		value = value_at(p + 1);
	else if (p[0] == 0x81 || (p[0] == 0xc7 && (p[1] & 0x38) == 0) ||
		 (p[0] == 0x69 && p[1] >= 0xc0))
		value = value_at(p + 2 + operand_bytes(p[1]));
	/* Small ones of either sign, and where addresses are numbers, these. */
	if (value < MIN_CONSTANT || value > -(uint32_t)MIN_CONSTANT ||
	    (m->is_fixed && value - m->start < m->bytes))
		return 0;
	return value;
}

/* Where "call" or "jmp" with 32 bits at ADDR leads; 0: it is neither. */
static uint64_t target_in(const uint8_t *p, uint64_t addr)
{
	return (p[0] & 0xfe) == 0xe8
		       ? addr + 5 + (uint64_t)(int64_t)(int32_t)value_at(p + 1)
		       : 0;
}

/* The slot that "jmp *disp(%rip)" or "call *disp(%rip)", as OP says, takes its target from; 0: it is none. */
static uint64_t slot_in(const uint8_t *p, uint64_t addr, uint8_t op)
{
	return p[0] == 0xff && p[1] == op
		       ? addr + 6 + (uint64_t)(int64_t)(int32_t)value_at(p + 2)
		       : 0;
}

static uint64_t jump_at(const struct elf_jump *j, size_t n, uint64_t at)
{
	size_t i = SEARCH_FIRST(k, n, j[k].at < at);

	return i < n && j[i].at == at ? j[i].to : 0;
}

/* A stub begins at a multiple of 8; the jump at ADDR has at most 5 bytes before it. */
static int add_stub(struct elf_image *m, uint64_t addr, uint64_t slot)
{
	struct elf_jump stub = { addr & ~(uint64_t)7, jump_at(m->slots, m->n_slots, slot) };

	/* In ascending order; some bytes are looked at twice. */
	if (!stub.to || m->n_stubs == LIMIT_FUNCTIONS ||
	    (m->n_stubs && m->stubs[m->n_stubs - 1].at >= stub.at))
		return 0;
	if (VEC_RESERVE_ONE(m->stubs, m->n_stubs, m->stubs_capacity) < 0)
		return -ENOMEM;
	m->stubs[m->n_stubs++] = stub;
	return 0;
}

/* Where the instruction at P calls or jumps, by a stub or not, or of what it takes the address. */
static uint64_t called_by(const struct elf_image *m, const uint8_t *p, uint64_t addr,
			  uint64_t taken)
{
	uint64_t target = target_in(p, addr), slot = slot_in(p, addr, 0x15), own;

	if (slot)
		return jump_at(m->slots, m->n_slots, slot);
	if (!target)
		return taken;
	own = m->n_stubs ? jump_at(m->stubs, m->n_stubs, target) : 0;
	return own ? own : target;
}

int elf_add_references(struct layout *l, struct elf_image *m, const uint8_t *code, size_t n,
		       uint64_t addr)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i + ELF_INSTRUCTION_BYTES <= n; i++) {
		uint64_t to = address_in(m, code + i, addr + i);
		uint32_t value = constant_in(m, code + i);
		uint64_t called = called_by(m, code + i, addr + i, to);
		uint64_t slot = slot_in(code + i, addr + i, 0x25);
		size_t bytes;
		const char *text = to ? text_at(m, to, &bytes) : NULL;

		if (text)
			error = layout_add_key(l, addr + i, true, text, bytes);
		if (error == 0 && value)
			error = layout_add_constant(l, addr + i, value);
		if (error == 0 && to)
			error = layout_add_reference(l, addr + i, to);
		if (error == 0 && slot)
			error = add_stub(m, addr + i, slot);
		/* Within the file: of what only looks like a call most is not. */
		if (error == 0 && called && called - m->start < m->bytes)
			error = layout_add_call(l, addr + i, called);
	}
	return error;
}
