/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What became of this boot's last launches: when each began, and whether it was read ahead. elfcastd
 * keeps it in /run, for who wants to see it in time (elfcastd(8)). libc only.
 */
#ifndef ELFCAST_LAUNCHED_H
#define ELFCAST_LAUNCHED_H

#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "store.h"

enum launched_how {
	LAUNCHED_READ,	  /* ahead */
	LAUNCHED_ALONE,	  /* cold, and left alone */
	LAUNCHED_THERE,	  /* in memory already */
	LAUNCHED_DROPPED, /* too many at once, or memory was short */
	LAUNCHED_HOWS,
	LAUNCHED_PENDING = LAUNCHED_HOWS, /* not known yet; no file has it */
};

struct launched {
	char *program;	   /* canonical path */
	uint64_t after_ms; /* since the kernel's start: CLOCK_BOOTTIME */
	uint32_t n_pages;  /* asked for, 0 .. LIMIT_LAUNCH_PAGES */
	uint32_t
		read_ms; /* from the exec until they were asked for, 0 .. LIMIT_LAUNCH_MS: as much or more */
	uint32_t took_ms; /* until the program ended, 0 .. LIMIT_LAUNCH_MS; 0: not known */
	uint32_t token;	  /* by which the writer finds it; 0 in a file */
	enum launched_how how;
};

struct launched_log {
	struct launched items[LIMIT_LAUNCHED]; /* the last one is the last one */
	size_t n;
};

/* The oldest one makes room. -EINVAL: no path that the file can hold; -ENOMEM. */
int launched_add(struct launched_log *l, const char *program, uint64_t after_ms,
		 enum launched_how how, uint32_t token);
/* NULL: TOKEN is not there (any more). */
struct launched *launched_find(struct launched_log *l, uint32_t token);
void launched_done(struct launched_log *l);

/* -ENOENT: no file; -EBADMSG, -ESTALE, -E2BIG, -EPERM, …: nothing that can be used. *RET is empty then. */
int launched_load(const struct store *s, struct launched_log *ret);
/* The text, checked completely; every text that is accepted is what would be written. */
int launched_parse(const char *text, size_t bytes, struct launched_log *ret);
/* New string, without those that are pending. -ENOMEM. */
int launched_format(const struct launched_log *l, char **ret, size_t *ret_bytes);

#endif
