/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of a file is in the page cache. mincore(2) tells the truth only to root, to the owner
 * and to those who may write the file (Linux 5.2); others see every page as resident.
 */
#ifndef ELFCAST_RESIDENCY_H
#define ELFCAST_RESIDENCY_H

#include <stddef.h>
#include <stdint.h>

/*
 * One byte per 4096-byte page of the file open at FD, 1 where resident. New buffer of
 * *ret_pages bytes (NULL and 0 for an empty file). Mappings of more than memory's worth are
 * asked piecewise.
 */
int residency_read(int fd, uint8_t **ret, uint32_t *ret_pages);

/* What mincore(2) says of pages of CPU_PAGE bytes in VEC, as of N_PAGES pages of 4096 bytes. */
void residency_expand(const unsigned char *vec, size_t cpu_page, size_t n_pages,
		      uint8_t *ret);

/*
 * Of N_PAGES (1 or more) from FIRST_PGNO on, how many the kernel can be asked about at once where its
 * pages are PER of ours: whole pages of its, or a part of one.
 */
uint64_t residency_piece(uint64_t first_pgno, uint64_t n_pages, uint64_t per);

struct residency_count {
	uint64_t n_resident,
		n_evicted; /* pages; evicted: not long ago, and not known before 6.5 */
};

/*
 * Of N_PAGES pages (of 4096 bytes) of FD from FIRST_PGNO on. cachestat(2), Linux 6.5, tells
 * what was evicted as long as the kernel remembers; before, and on overlayfs, mincore(2) tells what is
 * there. -EPERM: this user may not see.
 */
int residency_count(int fd, uint64_t first_pgno, uint64_t n_pages,
		    struct residency_count *ret);

/* Drop the clean, unmapped pages of FD from the cache (POSIX_FADV_DONTNEED). */
int residency_evict(int fd);

/*
 * Wait until those of the first N_PAGES pages of FD that are marked in PAGES and on their
 * way have come; what is neither there nor on its way is read, without neighbours.
 */
int residency_settle(int fd, const uint8_t *pages, uint32_t n_pages);

#endif
