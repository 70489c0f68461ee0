/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For people at a terminal. */
#ifndef ELFCAST_TEXT_OUT_H
#define ELFCAST_TEXT_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Names come from files: as utf8_blank() would leave them. */
void text_put(FILE *f, const char *s);
/* A program, with its scenario where that is not "default", and its profile where it is not NULL. */
void text_put_launch(FILE *f, const char *program, const char *scenario,
		     const char *profile);

/*
 * Lines that are longer than standard output is wide go on in the next one: there below what is behind
 * their heading ("boots:     ..."), or else a little further in than they begin. A word, and what is in
 * quotes, stays whole where that fits at all.
 */
struct text_lines {
	char *text;
	size_t bytes;
	FILE *f; /* to print to */
};

/* -ENOMEM, logged. */
int text_open(struct text_lines *t);
/* What was printed goes to standard output. -ENOMEM, logged. */
int text_close(struct text_lines *t);

/* Seconds since the epoch as "2026-11-25 01:47:09", local time; "-": 0, which is not known. */
void text_time(uint64_t s, char *ret, size_t bytes);

#endif
