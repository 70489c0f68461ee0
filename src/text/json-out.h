/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For --json: a value at a time to stdout, or where json_to() said; commas and escaping are
 * done here. libc only.
 */
#ifndef ELFCAST_JSON_OUT_H
#define ELFCAST_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

void json_to(FILE *f); /* borrowed */
/* KEY is NULL inside arrays and at the top. At most 16 levels deep. */
void json_open(const char *key, char bracket); /* '{' or '[' */
void json_close(char bracket); /* '}' or ']'; a newline after the last one */
void json_string(const char *key, const char *value); /* NULL: null */
void json_uint(const char *key, uint64_t value);
void json_double(const char *key, double value); /* three decimals */
void json_bool(const char *key, bool value);

/*
 * S alone, between quotes, to F: always valid, and nothing that a terminal would obey: that is
 * escaped, and bytes that are not UTF-8, which JSON cannot hold, become U+FFFD.
 */
void json_quote(FILE *f, const char *s);

#endif
