/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_MUL_DIV_H
#define ELFCAST_MUL_DIV_H

#include <stdint.h>

/*
 * A * B / C, rounded down, where A * B may have more than 64 bits and the result has not: A is at
 * most C, or B is. C is not 0. In integers alone, so that it is the same on every processor; those of
 * 32 bits have no larger type.
 */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t product, quotient = 0, rest = 0;

	if (!__builtin_mul_overflow(a, b, &product))
		return product / c;
	/* Bit by bit of A: QUOTIENT * C + REST is what its upper bits make of B. */
	for (int i = 63; i >= 0; i--) {
		uint64_t more = a >> i & 1 ? b % c : 0, whole = a >> i & 1 ? b / c : 0;
		uint64_t left = c - rest;

		quotient = quotient * 2 + (rest >= left) + whole;
		rest = rest >= left ? rest - left : rest + rest;
		left = c - rest;
		quotient += more >= left;
		rest = more >= left ? more - left : rest + more;
	}
	return quotient;
}

#endif
