/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages are worth reading ahead on a storage class: DESIGN rule 2, in one place.
 */
#ifndef ELFCAST_SELECT_H
#define ELFCAST_SELECT_H

#include <stdint.h>

#include "pageset.h"
#include "shadow-format.h"

/* What a class costs, as measured on models of it (see select.c for the sources). */
struct storage_cost {
	uint32_t request_us; /* time the device is busy with a request besides its data */
	uint32_t latency_us; /* what a program that faults waits besides the data */
	uint32_t page_ns;    /* time to transfer one page */
};

const struct storage_cost *storage_cost(enum storage_class c);
/* Holes of at most this many pages cost less to read than one more request does. */
uint32_t select_gap_pages(enum storage_class c);

/*
 * From PAGES (seen in N_RUNS training runs) to what is worth reading on class C of a file of
 * FILE_PAGES pages: unlikely pages dropped, small holes filled, clipped. In *RET (must be
 * empty) runs is 1 and when the earliest touch of each extent. Applying it to its own result
 * changes nothing. -ENOMEM.
 */
int select_pages(const struct pageset *pages, uint32_t n_runs, enum storage_class c,
		 uint32_t file_pages, struct pageset *ret);

#endif
