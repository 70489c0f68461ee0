/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ranges of several files, asked for together. The kernel reads ahead one file a call, and sends
 * what a call wants to the disk when the call ends: small files that lie side by side, as
 * packages unpack them, are a request each. madvise(MADV_WILLNEED) over mappings of several files
 * is one call, with one block plug around all of it (mm/madvise.c), in which requests that touch
 * are merged. Nothing is read through the mappings, so no file that shrinks can hurt.
 */
#ifndef ELFCAST_PLUGGED_H
#define ELFCAST_PLUGGED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PLUGGED_RANGES = 64 };

struct plugged {
	unsigned n; /* at most PLUGGED_RANGES */
	uint32_t n_pages;
	struct plugged_range {
		int fd; /* borrowed until plugged_ask() */
		off_t off;
		uint32_t n_pages; /* 1 or more */
	} ranges[PLUGGED_RANGES];
};

/* There is room: N is below PLUGGED_RANGES. OFF is a multiple of 4096. */
void plugged_add(struct plugged *p, int fd, off_t off, uint32_t n_pages);
/*
 * Bytes of the address space that N_PAGES pages of 4096 bytes from OFF on take where pages have
 * NATIVE bytes: whole ones, and one more of no file.
 */
size_t plugged_room(off_t off, uint32_t n_pages, size_t native);
/*
 * Ask for all of P, in its order, and empty it. Does not wait for data, but may for metadata and
 * full queues, as posix_fadvise() does. 0, or negative errno of a single range that cannot be
 * asked for; of several nobody tells.
 */
int plugged_ask(struct plugged *p);

#endif
