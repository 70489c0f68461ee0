/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "macro.h"
#include "text-out.h"
#include "utf8.h"

void text_put(const char *s)
{
	size_t left = strlen(s), n;

	while (left > 0) {
		n = utf8_plain(s, left);
		fwrite(s, 1, n, stdout);
		if (n == left)
			break;
		putchar('?');
		n += MAX(utf8_length(s + n, left - n), (size_t)1);
		s += n;
		left -= n;
	}
}
