/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which page a fault was for, where the kernel tells two things only: that a thread touched an
 * address, and then that pages FIRST to LAST of a file were mapped, of which up to 16 had not been
 * asked for (fault-around). Such a window begins where the address is a multiple of 16 pages, or
 * where the mapping begins; so each window is a guess of how far the mapping lies from its file,
 * and a guess that two windows of a thread share is right. Pure; knows no files.
 */
#ifndef ELFCAST_TOUCHED_PAGE_H
#define ELFCAST_TOUCHED_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct touch_last {
	uint32_t pid; /* 0: none, or it is known which page it was for */
	bool mapped; /* others around it were, and it may still be known which one it was */
	uint64_t page;
};

struct touch {
	void *file;
	uint64_t page; /* of the address */
	uint32_t pid, first_pgno;
	uint16_t n_pages;
	uint8_t when;
};

struct touches {
	unsigned around_pages;	 /* of the processor */
	struct touch_last *last; /* per CPU */
	unsigned n_cpus;
	struct touch *items;
	size_t n, capacity;
	size_t n_dropped; /* more than we keep */
};

/* -ENOMEM. */
int touches_init(struct touches *t, unsigned n_cpus, unsigned around_pages);
void touches_done(struct touches *t);

/* PID touched page PAGE of its addresses, on CPU. */
void touches_begin(struct touches *t, unsigned cpu, uint32_t pid, uint64_t page);
/*
 * For the last touch of PID on CPU, where there is one: pages of FILE were mapped. -ENOMEM. WHEN is
 * what touches_resolve() gives back.
 */
int touches_mapped(struct touches *t, unsigned cpu, uint32_t pid, void *file,
		   uint64_t first_pgno, uint64_t last_pgno, uint8_t when);
/* The same, but the kernel tells which page it was for. */
int touches_exact(struct touches *t, unsigned cpu, uint32_t pid, void *file, uint64_t pgno,
		  uint8_t when);

/* Each page that was touched for certain; the same one may come several times. */
void touches_resolve(struct touches *t,
		     void (*each)(void *file, uint32_t pgno, uint8_t when, void *userdata),
		     void *userdata);

#endif
