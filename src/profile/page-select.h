/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages are worth reading ahead on a storage class: ARCHITECTURE.md, rule 2, in one place.
 */
#ifndef ELFCAST_PAGE_SELECT_H
#define ELFCAST_PAGE_SELECT_H

#include <stdint.h>

#include "pageset.h"
#include "shadow-format.h"

/*
 * From PAGES (seen in N_RUNS training runs) to what is worth reading on class C of a file of
 * FILE_PAGES pages: unlikely pages dropped, holes filled where that takes less time, clipped. In
 * *RET (must be empty) runs is 1 and when the earliest touch of each extent. Applying it to its own
 * result changes nothing. -ENOMEM.
 */
int select_pages(const struct pageset *pages, uint32_t n_runs, enum storage_class c,
		 uint32_t file_pages, struct pageset *ret);

#endif
