/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_TERMINAL_H
#define ELFCAST_TERMINAL_H

#include <stdbool.h>

/* $COLUMNS, or how many columns the terminal on FD has; UINT_MAX if FD is none or it does not say. */
unsigned terminal_columns(int fd);
/* Whether colours may be used on FD: it is a terminal, and $NO_COLOR is not set. */
bool terminal_has_colour(int fd);
/* Whether the locale that is set is one of UTF-8. */
bool terminal_has_utf8(void);

#endif
