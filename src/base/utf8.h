/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text of others. A control is what a terminal obeys or what makes a line read as something
 * else: C0, DEL, C1 (U+0080-U+009F), and the marks, overrides and isolates that turn the
 * direction of text around (U+061C, U+200E-F, U+202A-E, U+2066-9).
 */
#ifndef ELFCAST_UTF8_H
#define ELFCAST_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the UTF-8 sequence at P with LEFT (at least 1) bytes, 0 when it is not valid. */
size_t utf8_length(const char *p, size_t left);

/* The character of a sequence of N bytes, which utf8_length() gave. */
uint32_t utf8_decode(const char *p, size_t n);

/* How many of the BYTES from S on are valid UTF-8 and no controls. */
size_t utf8_plain(const char *s, size_t bytes);
bool utf8_is_plain(const char *s); /* all of it, up to its NUL */

/* Each control, and each byte that is not UTF-8, becomes one '?'. Never longer than before. */
void utf8_blank(char *s);

/* At most MAX bytes of S, cut in front of a character, not in it. */
size_t utf8_cut(const char *s, size_t max);

#endif
