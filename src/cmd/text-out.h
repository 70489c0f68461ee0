/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For tables on a terminal. */
#ifndef ELFCAST_TEXT_OUT_H
#define ELFCAST_TEXT_OUT_H

/* Names come from files: to stdout, as utf8_blank() would leave them. */
void text_put(const char *s);

#endif
