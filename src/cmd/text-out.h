/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For tables on a terminal. */
#ifndef ELFCAST_TEXT_OUT_H
#define ELFCAST_TEXT_OUT_H

/* Names come from files: to stdout, but no control character of theirs. */
void text_put(const char *s);

#endif
