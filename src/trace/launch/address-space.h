/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One address space of a recorded launch (shared by threads and vfork children): which files
 * are mapped where, the userfaultfd that keeps fault-around off there, and the scan that tells
 * which pages were touched.
 */
#ifndef ELFCAST_ADDRESS_SPACE_H
#define ELFCAST_ADDRESS_SPACE_H

#include "traced-files.h"

struct mapping {
	uint64_t start, end; /* addresses, whole pages */
	uint64_t pgno;	     /* of the file, at start */
	struct traced_file *file;
	bool is_code; /* private, and may be executed */
};

struct address_space {
	struct address_space *next;
	pid_t pid; /* a task that uses it */
	unsigned n_tasks;
	/* The processor's own pages: 4 KiB, or 16 or 64 on some arm64 kernels. */
	uint64_t page_bytes;
	int uffd;    /* -1: fault-around is on, the recording is not exact */
	int pagemap; /* -1: nothing can be recorded */
	/* Its system calls are not seen: read /proc/PID/maps before each scan. */
	bool blind;
	bool by_scan;	      /* PAGEMAP_SCAN works */
	bool outside;	      /* not recorded */
	bool inexact;	      /* fault-around was on for some mapping of a file */
	struct mapping *maps; /* sorted, disjoint; only files that count */
	size_t n, capacity;
};

/* PAGEMAP_SCAN (Linux 6.7). */
bool address_space_scan_supported(void);
/* Whether this kernel has what exact recording needs (Linux 6.7). */
bool address_space_exact_supported(void);

/* Of the stopped task PID, without mappings. New; NULL: no memory. */
struct address_space *address_space_new(pid_t pid, bool by_scan);
void address_space_free(struct address_space *as);

/* Takes UFFD, a userfaultfd of this address space. 0 or negative errno (and it is closed). */
int address_space_take_uffd(struct address_space *as, int uffd);

/*
 * Mappings from /proc/PID/maps instead of those known so far, registered where there is a
 * userfaultfd. ret_vdso (may be NULL): address of the vDSO, 0 when there is none.
 */
int address_space_load(struct address_space *as, struct traced_files *files,
		       uint64_t *ret_vdso);
/* Register with the userfaultfd all that is known. */
void address_space_register_all(struct address_space *as);

/* A file was mapped: replaces what was there. */
int address_space_map(struct address_space *as, uint64_t addr, uint64_t bytes,
		      uint64_t pgno, struct traced_file *file);
/* The mapping that has the byte at ADDR, NULL: none of a file that counts. */
const struct mapping *address_space_find(const struct address_space *as, uint64_t addr);
bool address_space_overlaps(const struct address_space *as, uint64_t addr, uint64_t bytes);
/* [addr, addr + bytes) is about to vanish: record its pages, then forget it. */
int address_space_unmap(struct address_space *as, uint64_t addr, uint64_t bytes,
			uint32_t when);

/* Record all pages that are there now and were not before. */
void address_space_scan(struct address_space *as, struct traced_files *files,
			uint32_t when);

/* Record what the kernel itself reads of each mapped file at exec: ELF headers. */
void address_space_mark_executed(struct address_space *as);

#endif
