/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong with a text, and where: filled by parsers, printed by cmd/ as
 * FILE:LINE:COLUMN: MESSAGE. Line and column count from 1, columns in bytes; line 0 means
 * that there is no position (the file as a whole).
 */
#ifndef ELFCAST_DIAG_H
#define ELFCAST_DIAG_H

#include <stdarg.h>
#include <stdio.h>

#include "macro.h"

struct diag {
	unsigned line;
	unsigned column;
	char message[256];
};

_printf_(4, 5) static inline void diag_set(struct diag *d, unsigned line, unsigned column,
					   const char *format, ...)
{
	va_list ap;

	d->line = line;
	d->column = column;
	va_start(ap, format);
	vsnprintf(d->message, sizeof(d->message), format, ap);
	va_end(ap);
}

#endif
