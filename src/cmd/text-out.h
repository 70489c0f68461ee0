/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For tables on a terminal. */
#ifndef ELFCAST_TEXT_OUT_H
#define ELFCAST_TEXT_OUT_H

#include <stddef.h>
#include <stdint.h>

/* Names come from files: to stdout, as utf8_blank() would leave them. */
void text_put(const char *s);
/* A program, with its scenario where that is not "default", and its profile where it is not NULL. */
void text_put_launch(const char *program, const char *scenario, const char *profile);

/* Seconds since the epoch as "2026-11-25 01:47:09", local time; "-": 0, which is not known. */
void text_time(uint64_t s, char *ret, size_t bytes);

#endif
