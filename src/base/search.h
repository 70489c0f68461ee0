/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_SEARCH_H
#define ELFCAST_SEARCH_H

#include <stddef.h>

/*
 * Binary search among N sorted items: the number (size_t) of the first that does not come
 * before what is sought; N: all do. COMES_BEFORE is an expression of I, the number of an item;
 * where it is false, it is false for all later items too. Unlike bsearch(3) this finds the
 * place of what is missing, and the first of equals. I may not be named in N.
 */
#define SEARCH_FIRST(i, n, comes_before)                                                   \
	({                                                                                 \
		size_t _low = 0, _high = (n);                                              \
		while (_low < _high) {                                                     \
			const size_t i = _low + (_high - _low) / 2;                        \
			if (comes_before)                                                  \
				_low = i + 1;                                              \
			else                                                               \
				_high = i;                                                 \
		}                                                                          \
		_low;                                                                      \
	})

#endif
