/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "text-out.h"

void text_put(const char *s)
{
	for (; *s; s++)
		putchar((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}
