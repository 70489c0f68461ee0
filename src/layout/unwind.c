/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records follow each other, each with its length first: common parts (CIE), which say how
 * addresses are written, and those of functions (FDE), which point back to theirs. Only what
 * leads to a function's range is read. One pass, and a record is looked at once, its common
 * part again: bounded by LIMIT_CIE_LETTERS.
 */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "macro.h"
#include "unwind.h"
#include "vec.h"

#define LIMIT_CIE_LETTERS 16u
#define NO_CIE		  SIZE_MAX

/* DWARF's pointer encodings: how many bytes, and relative to what. */
enum {
	PE_ABSOLUTE = 0x00,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_FORMAT = 0x0f,
	PE_RELATIVE_TO_PLACE = 0x10,
	PE_INDIRECT = 0x80,
};

struct reader {
	const uint8_t *data;
	size_t bytes;
	uint64_t addr;
	bool is_64;
	size_t cie; /* offset of the one read last, NO_CIE: none */
	uint8_t encoding;
};

/* A part of the table. Reading past END sets FAILED, and gives 0. */
struct part {
	const uint8_t *data;
	size_t at, end;
	bool failed;
};

static uint64_t take(struct part *p, unsigned n)
{
	uint64_t value = 0;

	if (p->failed || p->end - p->at < n) {
		p->failed = true;
		return 0;
	}
	for (unsigned i = 0; i < n; i++)
		value |= (uint64_t)p->data[p->at + i] << 8 * i;
	p->at += n;
	return value;
}

/* LEB128, whose value matters only where it is small. */
static uint64_t take_leb(struct part *p)
{
	uint64_t value = 0, byte;
	unsigned shift = 0;

	do {
		byte = take(p, 1);
		if (shift < 63)
			value |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && shift < 70 && !p->failed);
	if (byte & 0x80)
		p->failed = true;
	return value;
}

static unsigned encoded_bytes(const struct reader *r, uint8_t encoding)
{
	switch (encoding & PE_FORMAT) {
	case PE_ABSOLUTE:
		return r->is_64 ? 8 : 4;
	case PE_UDATA2:
	case PE_SDATA2:
		return 2;
	case PE_UDATA4:
	case PE_SDATA4:
		return 4;
	case PE_UDATA8:
	case PE_SDATA8:
		return 8;
	default:
		return 0;
	}
}

static uint64_t extend_sign(uint64_t value, unsigned n)
{
	uint64_t sign = (uint64_t)1 << (8 * n - 1);

	return n < 8 ? (value ^ sign) - sign : value;
}

static uint64_t take_addr(const struct reader *r, struct part *p)
{
	uint64_t place = r->addr + p->at;
	unsigned n = encoded_bytes(r, r->encoding);
	uint64_t value = take(p, n);

	if (r->encoding & 0x08)
		value = extend_sign(value, n);
	if (r->encoding & PE_RELATIVE_TO_PLACE)
		value += place;
	return r->is_64 ? value : (uint32_t)value;
}

/* The letters say what follows, and in which order. */
static int read_augmentation(struct reader *r, struct part *p, const char *letters)
{
	uint8_t encoding;
	unsigned n;

	take_leb(p); /* its length: what is not known ends the loop anyway */
	for (letters++; *letters && !p->failed; letters++) {
		switch (*letters) {
		case 'L':
			take(p, 1);
			break;
		case 'P':
			encoding = (uint8_t)take(p, 1);
			n = encoded_bytes(r, encoding);
			if (n == 0)
				return -EBADMSG;
			take(p, n);
			break;
		case 'R':
			r->encoding = (uint8_t)take(p, 1);
			break;
		case 'S': /* a signal's frame */
		case 'B': /* arm64: pointers are signed */
		case 'G': /* arm64: memory is tagged */
			break;
		default:
			return -EBADMSG;
		}
	}
	return 0;
}

static bool is_usable(const struct reader *r)
{
	return encoded_bytes(r, r->encoding) > 0 &&
	       ((r->encoding & ~PE_FORMAT) == 0 ||
		(r->encoding & ~PE_FORMAT) == PE_RELATIVE_TO_PLACE);
}

/* Behind the identifier that says that it is one. */
static int read_cie(struct reader *r, struct part *p)
{
	const char *letters = (const char *)p->data + p->at + 1;
	unsigned version = (unsigned)take(p, 1), n = 0;
	int error = 0;

	while (take(p, 1) != 0 && !p->failed)
		if (++n > LIMIT_CIE_LETTERS)
			return -EBADMSG;
	if (p->failed || (version != 1 && version != 3))
		return -EBADMSG;
	r->encoding = PE_ABSOLUTE;
	take_leb(p); /* code alignment */
	take_leb(p); /* data alignment */
	if (version == 1)
		take(p, 1); /* return address */
	else
		take_leb(p);
	if (*letters == 'z')
		error = read_augmentation(r, p, letters);
	else if (*letters)
		return -EBADMSG;
	return error < 0 || p->failed || !is_usable(r) ? -EBADMSG : 0;
}

/* One record's inner part, behind its length. *RET_IS_END: the table ends here. */
static int begin_record(const struct reader *r, size_t at, struct part *ret,
			bool *ret_is_end)
{
	uint64_t length;

	*ret = (struct part){ r->data, at, r->bytes, false };
	*ret_is_end = at == r->bytes;
	if (*ret_is_end)
		return 0;
	length = take(ret, 4);
	*ret_is_end = !ret->failed && length == 0;
	if (length == UINT32_MAX)
		length = take(ret, 8);
	if (ret->failed || length > ret->end - ret->at || (!*ret_is_end && length < 4))
		return -EBADMSG;
	ret->end = ret->at + (size_t)length;
	return 0;
}

/* The common part at offset AT becomes the one in use. */
static int use_cie(struct reader *r, size_t at)
{
	struct part p;
	bool is_end;
	int error;

	if (r->cie == at)
		return 0;
	r->cie = NO_CIE;
	error = begin_record(r, at, &p, &is_end);
	if (error < 0 || is_end || take(&p, 4) != 0)
		return -EBADMSG;
	error = read_cie(r, &p);
	if (error == 0)
		r->cie = at;
	return error;
}

static int read_record(struct reader *r, struct part *p, struct unwind_range *ret,
		       bool *ret_is_function)
{
	size_t at = p->at;
	uint64_t back = take(p, 4);

	*ret_is_function = back != 0;
	if (back == 0)
		return 0;
	if (back > at || use_cie(r, at - (size_t)back) < 0)
		return -EBADMSG;
	ret->addr = take_addr(r, p);
	ret->bytes = take(p, encoded_bytes(r, r->encoding));
	return p->failed ? -EBADMSG : 0;
}

int unwind_parse(const void *data, size_t bytes, uint64_t addr, bool is_64,
		 struct unwind_range **ret, size_t *ret_n)
{
	struct reader r = { data, bytes, addr, is_64, NO_CIE, 0 };
	_cleanup_free_ struct unwind_range *ranges = NULL;
	size_t n = 0, capacity = 0;
	bool is_end, is_function;
	struct part p;
	int error = 0;

	for (size_t at = 0; error == 0; at = p.end) {
		struct unwind_range range;

		error = begin_record(&r, at, &p, &is_end);
		if (error < 0 || is_end)
			break;
		error = read_record(&r, &p, &range, &is_function);
		if (error < 0 || !is_function)
			continue;
		if (n == LIMIT_FUNCTIONS)
			return -E2BIG;
		if (VEC_RESERVE_ONE(ranges, n, capacity) < 0)
			return -ENOMEM;
		ranges[n++] = range;
	}
	if (error < 0)
		return error;
	*ret = TAKE_PTR(ranges);
	*ret_n = n;
	return 0;
}
