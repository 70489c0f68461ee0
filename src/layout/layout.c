/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "hash.h"
#include "layout.h"
#include "le.h"
#include "search.h"
#include "unwind.h"
#include "vec.h"

void layout_done(struct layout *l)
{
	free(l->sections);
	free(l->units);
	free(l->keys);
	free(l->constants);
	free(l->calls);
	free(l->references);
	free(l->pieces);
	free(l->soname);
	*l = (struct layout){ 0 };
}

/* ---- sizes as codes ---- */

enum { STEPS = 8, FUNCTION_MIN_SHIFT = 3, GAP_MIN_SHIFT = 6 };

/* 2^15 times 2^(i/8): where the steps of an octave begin. */
static const uint32_t steps[STEPS] = { 32768, 35734, 38968, 42495,
				       46341, 50535, 55109, 60097 };

static unsigned log2_of(uint64_t n)
{
	return 63u - (unsigned)__builtin_clzll(n);
}

/* Steps from 1 to N (at least 1), eight an octave, rounded down. */
static unsigned log_steps(uint64_t n)
{
	unsigned octave = log2_of(n), i = STEPS - 1;
	uint64_t mantissa = octave > 15 ? n >> (octave - 15) : n << (15 - octave);

	while (mantissa < steps[i])
		i--;
	return STEPS * octave + i;
}

static unsigned clamp_code(unsigned code, unsigned first, unsigned n)
{
	return code < first ? 0 : MIN(code - first, n - 1);
}

uint8_t unit_code(uint64_t bytes, bool is_gap)
{
	unsigned log = log_steps(bytes ? bytes : 1);

	if (!is_gap)
		return (uint8_t)clamp_code(log, STEPS * FUNCTION_MIN_SHIFT,
					   UNIT_FIRST_GAP_CODE);
	return (uint8_t)(UNIT_FIRST_GAP_CODE + clamp_code(log / 4,
							  STEPS * GAP_MIN_SHIFT / 4,
							  256 - UNIT_FIRST_GAP_CODE));
}

/* The smallest size that is so many steps from 1. */
static uint64_t first_of(unsigned log)
{
	return (((uint64_t)steps[log % STEPS] << (log / STEPS)) + 32767) >> 15;
}

static void code_range(uint8_t code, uint64_t *ret_min, uint64_t *ret_max)
{
	unsigned log = code + STEPS * FUNCTION_MIN_SHIFT, n = 1;

	if (unit_is_gap(code)) {
		log = (code - UNIT_FIRST_GAP_CODE) * 4u + STEPS * GAP_MIN_SHIFT;
		n = 4;
	}
	*ret_min = first_of(log);
	*ret_max = first_of(log + n) - 1;
}

uint64_t unit_code_bytes(uint8_t code)
{
	uint64_t min, max;

	code_range(code, &min, &max);
	return (min + max) / 2;
}

uint64_t unit_code_bytes_near(uint8_t code, uint64_t bytes)
{
	uint64_t min, max;

	code_range(code, &min, &max);
	return MIN(MAX(bytes, min), max);
}

/* ---- sections ---- */

static uint16_t hash_name(const char *name)
{
	return (uint16_t)(hash_bytes(name, strlen(name)) & 0x1fff);
}

int layout_add_section(struct layout *l, enum section_kind kind, const char *name,
		       uint64_t addr, uint64_t off, uint64_t bytes)
{
	if (bytes == 0)
		return 0;
	if (l->n_sections == LIMIT_SECTIONS)
		return -E2BIG;
	if (VEC_RESERVE_ONE(l->sections, l->n_sections, l->sections_capacity) < 0)
		return -ENOMEM;
	l->sections[l->n_sections++] =
		(struct section){ kind, hash_name(name), addr, off, bytes };
	return 0;
}

static int compare_sections(const void *a, const void *b)
{
	const struct section *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static void sort_sections(struct layout *l)
{
	if (l->n_sections > 1)
		qsort(l->sections, l->n_sections, sizeof(*l->sections), compare_sections);
}

int layout_finish_sections(struct layout *l)
{
	uint64_t end = 0;
	int r;

	sort_sections(l);
	for (size_t i = 0; i < l->n_sections; i++) {
		const struct section *s = &l->sections[i];

		if (s->off < end || __builtin_add_overflow(s->off, s->bytes, &end) ||
		    end > l->file_bytes)
			return -EBADMSG;
	}
	r = layout_add_section(l, SECTION_TAIL, "", 0, end, l->file_bytes - end);
	if (r == 0)
		r = layout_add_section(l, SECTION_HEAD, "", 0, 0,
				       end ? l->sections[0].off : 0);
	sort_sections(l);
	return r;
}

const struct section *layout_section_at(const struct layout *l, uint64_t off)
{
	size_t i = SEARCH_FIRST(k, l->n_sections,
				l->sections[k].off + l->sections[k].bytes <= off);

	return i < l->n_sections && l->sections[i].off <= off ? &l->sections[i] : NULL;
}

/* ---- units ---- */

static int add_unit(struct layout *l, uint64_t off, uint64_t bytes, bool is_gap)
{
	if (VEC_RESERVE_ONE(l->units, l->n_units, l->units_capacity) < 0)
		return -ENOMEM;
	l->units[l->n_units++] = (struct unit){ off, bytes, unit_code(bytes, is_gap) };
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct unwind_range *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/*
 * The units of one section: RANGES from number *AT on that start in it. A range ends where the
 * next one starts, or the section.
 */
static int add_units_of(struct layout *l, const struct section *s,
			const struct unwind_range *ranges, size_t n, size_t *at)
{
	uint64_t done = 0, start, bytes; /* offsets in the section */
	int r = 0;

	while (*at < n && ranges[*at].addr < s->addr)
		++*at;
	for (; r == 0 && *at < n && ranges[*at].addr - s->addr < s->bytes; ++*at) {
		start = ranges[*at].addr - s->addr;
		bytes = MIN(ranges[*at].bytes, s->bytes - start);
		if (*at + 1 < n)
			bytes = MIN(bytes, ranges[*at + 1].addr - ranges[*at].addr);
		if (bytes == 0)
			continue;
		if (start - done >= UNIT_MIN_GAP_BYTES)
			r = add_unit(l, s->off + done, start - done, true);
		if (r == 0)
			r = add_unit(l, s->off + start, bytes, false);
		done = start + bytes;
	}
	if (r == 0 && s->bytes - done >= UNIT_MIN_GAP_BYTES)
		r = add_unit(l, s->off + done, s->bytes - done, true);
	return r;
}

/* Code sections lie in the order of their addresses; where a file lies, ranges are missed. */
int layout_set_units(struct layout *l, const struct unwind_range *ranges, size_t n)
{
	_cleanup_free_ struct unwind_range *sorted = calloc(n + 1, sizeof(*sorted));
	size_t at = 0;
	int r = sorted ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	if (n > 0)
		memcpy(sorted, ranges, n * sizeof(*sorted));
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), compare_ranges);
	l->n_units = 0;
	for (size_t i = 0; r == 0 && i < l->n_sections; i++)
		if (l->sections[i].kind == SECTION_CODE)
			r = add_units_of(l, &l->sections[i], sorted, n, &at);
	return r;
}

/* ---- keys ---- */

/* Where in the file the byte of code at ADDR is; UINT64_MAX: nowhere. */
static uint64_t off_of(const struct layout *l, uint64_t addr)
{
	uint64_t off = UINT64_MAX;

	for (size_t i = 0; i < l->n_sections; i++)
		if (l->sections[i].kind == SECTION_CODE &&
		    addr - l->sections[i].addr < l->sections[i].bytes)
			off = l->sections[i].off + (addr - l->sections[i].addr);
	return off;
}

/* The unit that starts at (or, with ANYWHERE, has) the byte at ADDR; the number of all: none. */
static size_t find_unit(const struct layout *l, uint64_t addr, bool anywhere)
{
	uint64_t off = off_of(l, addr);
	size_t k;

	k = SEARCH_FIRST(i, l->n_units, l->units[i].off + l->units[i].bytes <= off);
	if (k < l->n_units &&
	    (l->units[k].off > off || (!anywhere && l->units[k].off != off)))
		return l->n_units;
	return k;
}

static int add_key(struct layout *l, struct key key)
{
	if (l->n_keys == LIMIT_FUNCTIONS)
		return -E2BIG;
	if (VEC_RESERVE_ONE(l->keys, l->n_keys, l->keys_capacity) < 0)
		return -ENOMEM;
	l->keys[l->n_keys++] = key;
	return 0;
}

static uint32_t hash_24(const void *data, size_t bytes)
{
	return (uint32_t)(hash_bytes(data, bytes) & 0xffffff);
}

int layout_add_key(struct layout *l, uint64_t addr, bool anywhere, const char *name,
		   size_t bytes)
{
	size_t k = find_unit(l, addr, anywhere);

	if (k == l->n_units)
		return 0;
	return add_key(l, (struct key){ (uint32_t)k, hash_24(name, bytes), false });
}

int layout_add_constant(struct layout *l, uint64_t addr, uint32_t value)
{
	size_t k = find_unit(l, addr, true);

	if (k == l->n_units || l->n_constants == LIMIT_FUNCTIONS)
		return 0;
	if (VEC_RESERVE_ONE(l->constants, l->n_constants, l->constants_capacity) < 0)
		return -ENOMEM;
	l->constants[l->n_constants++] = (struct constant){ (uint32_t)k, value };
	return 0;
}

/* The unit that has the byte at ADDR, which mostly is the one that was asked for before. None before that: n_units. */
static size_t find_next(struct layout *l, uint64_t addr)
{
	size_t k;

	if (addr - l->last_addr < l->last_bytes)
		return l->last_unit;
	k = find_unit(l, addr, true);
	if (k == l->n_units || k < l->last_unit)
		return l->n_units;
	/* From here to its end, where addresses and offsets go on alike. */
	l->last_unit = k;
	l->last_addr = addr;
	l->last_bytes = l->units[k].off + l->units[k].bytes - off_of(l, addr);
	return k;
}

int layout_add_call(struct layout *l, uint64_t addr, uint64_t to)
{
	size_t from = find_next(l, addr), k;

	if (from == l->n_units || l->n_calls == LIMIT_CALLS)
		return 0;
	k = find_unit(l, to, false);
	if (k == l->n_units || from == k)
		return 0;
	if (VEC_RESERVE_ONE(l->calls, l->n_calls, l->calls_capacity) < 0)
		return -ENOMEM;
	l->calls[l->n_calls++] = (struct call){ (uint32_t)from, (uint32_t)k };
	return 0;
}

int layout_add_reference(struct layout *l, uint64_t addr, uint64_t to)
{
	uint64_t off = UINT64_MAX;
	size_t from;

	for (size_t i = 0; i < l->n_sections; i++)
		if (l->sections[i].kind == SECTION_DATA &&
		    to - l->sections[i].addr < l->sections[i].bytes)
			off = l->sections[i].off + (to - l->sections[i].addr);
	if (off == UINT64_MAX || l->n_references == LIMIT_CALLS)
		return 0;
	from = find_next(l, addr);
	if (from == l->n_units ||
	    (l->n_references && from < l->references[l->n_references - 1].from))
		return 0;
	if (VEC_RESERVE_ONE(l->references, l->n_references, l->references_capacity) < 0)
		return -ENOMEM;
	l->references[l->n_references++] =
		(struct reference){ (uint32_t)from, (uint32_t)(off / PAGE_BYTES) };
	return 0;
}

size_t layout_references_of(const struct layout *l, uint32_t i)
{
	return SEARCH_FIRST(k, l->n_references, l->references[k].from < i);
}

size_t layout_calls_of(const struct layout *l, uint32_t i)
{
	return SEARCH_FIRST(k, l->n_calls, l->calls[k].from < i);
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_by_hash(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int c = compare_numbers(x->hash, y->hash);

	if (c == 0)
		c = compare_numbers(x->is_constant, y->is_constant);
	return c ? c : compare_numbers(x->unit, y->unit);
}

static int compare_by_unit(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int c = compare_numbers(x->unit, y->unit);

	if (c == 0)
		c = compare_numbers(x->is_constant, y->is_constant);
	return c ? c : compare_numbers(x->hash, y->hash);
}

static int compare_constants(const void *a, const void *b)
{
	const struct constant *x = a, *y = b;
	int c = compare_numbers(x->value, y->value);

	return c ? c : compare_numbers(x->unit, y->unit);
}

/*
 * Those of one unit alone become keys, as long as there is room. None of their hashes is even, so
 * that a thinned fingerprint has none.
 */
static int add_constants(struct layout *l)
{
	struct constant *c = l->constants;
	int r = 0;

	if (l->n_constants > 1)
		qsort(c, l->n_constants, sizeof(*c), compare_constants);
	for (size_t i = 0, end; r == 0 && i < l->n_constants && l->n_keys < LIMIT_FUNCTIONS;
	     i = end) {
		for (end = i + 1; end < l->n_constants && c[end].value == c[i].value;)
			end++;
		/* Sorted: where first and last have one unit, all do. */
		if (c[end - 1].unit == c[i].unit) {
			le32 value = le32_make(c[i].value);

			r = add_key(l, (struct key){ c[i].unit,
						     hash_24(&value, sizeof(value)) | 7,
						     true });
		}
	}
	free(l->constants);
	l->constants = NULL;
	l->n_constants = l->constants_capacity = 0;
	return r;
}

int layout_finish_keys(struct layout *l)
{
	int r = add_constants(l);
	struct key *k = l->keys;
	size_t n = 0;
	int64_t named = -1; /* the last hash that is of a name or text */

	if (r < 0)
		return r;
	if (l->n_keys > 1)
		qsort(k, l->n_keys, sizeof(*k), compare_by_hash);
	for (size_t i = 0, end; i < l->n_keys; i = end) {
		struct key key = k[i];

		for (end = i + 1; end < l->n_keys && k[end].hash == key.hash &&
				  k[end].is_constant == key.is_constant;)
			end++;
		if (k[end - 1].unit == key.unit && key.hash != named)
			k[n++] = key;
		if (!key.is_constant)
			named = key.hash;
	}
	l->n_keys = n;
	if (n > 1)
		qsort(k, n, sizeof(*k), compare_by_unit);
	return 0;
}

/* ---- pieces ---- */

/* A piece ends where the sum of its last bytes, spread, has five zeros: every 32 bytes. */
enum { MIN_PIECE_BYTES = 12, MAX_PIECE_BYTES = 256 };
#define PIECE_MASK 0xf8000000u

int layout_add_pieces(struct layout *l, const void *data, size_t bytes, uint64_t off)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0, start = 0; i < bytes; i++) {
		size_t n = i + 1 - start;

		sum = (sum << 1) + (p[i] + 1u) * 2654435761u;
		if (i + 1 < bytes && n < MAX_PIECE_BYTES &&
		    (n < MIN_PIECE_BYTES || sum & PIECE_MASK))
			continue;
		if (l->n_pieces == LIMIT_PIECES)
			return -E2BIG;
		if (VEC_RESERVE_ONE(l->pieces, l->n_pieces, l->pieces_capacity) < 0)
			return -ENOMEM;
		l->pieces[l->n_pieces++] =
			(struct piece){ off + start,
					(uint32_t)(hash_bytes(p + start, n) & 0xffffff) };
		start = i + 1;
	}
	return 0;
}
