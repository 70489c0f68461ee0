/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "bounds.h"
#include "large-folios.h"
#include "macro.h"

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_PFN	((1ull << 55) - 1)
#define KPF_COMPOUND	(1ull << 15 | 1ull << 16) /* head, tail */

#ifndef MADV_POPULATE_READ /* Linux 5.14 */
#define MADV_POPULATE_READ 22
#endif

static int open_pagemap(void)
{
	return open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

/* Entry of the page at ADDR; 0: nothing there. */
static uint64_t pagemap_entry(int pagemap, uintptr_t addr)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t entry = 0;

	if (pread(pagemap, &entry, sizeof(entry),
		  (off_t)(addr / page_bytes * sizeof(entry))) != sizeof(entry))
		return 0;
	return entry;
}

/* ---- what a fault does ---- */

static size_t huge_bytes(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	size_t bytes = 0;

	if (f && fscanf(f, "%zu", &bytes) != 1)
		bytes = 0;
	if (f)
		fclose(f);
	return bytes;
}

/* A file of one huge folio, on a file system that nobody else sees. */
static int open_huge_file(size_t bytes)
{
	_cleanup_close_ int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	_cleanup_close_ int mount = -1, fd = -1;

	if (fs < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "huge", "always", 0) < 0 ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	fd = mount < 0 ? -1 : openat(mount, "x", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fallocate(fd, 0, 0, (off_t)bytes) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Write faults have no fault-around, so that does not matter here. */
static bool neighbour_is_mapped(volatile char *at, size_t bytes)
{
	_cleanup_close_ int pagemap = open_pagemap();

	madvise((void *)(uintptr_t)at, bytes, MADV_NOHUGEPAGE);
	at[0] = 1;
	return pagemap_entry(pagemap, (uintptr_t)at + bytes / 2) & PAGEMAP_PRESENT;
}

bool large_folios_map_whole(void)
{
	size_t bytes = huge_bytes();
	_cleanup_close_ int fd = bytes ? open_huge_file(bytes) : -1;
	char *room, *at;
	bool whole;

	if (fd < 0)
		return false;
	room = mmap(NULL, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return false;
	at = room + (bytes - (uintptr_t)room % bytes);
	at = mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	whole = at != MAP_FAILED && neighbour_is_mapped(at, bytes);
	munmap(room, 2 * bytes);
	return whole;
}

/* ---- what is in the page cache ---- */

struct cached_file {
	char *at;
	unsigned char *resident; /* of the processor's pages, as the next two */
	size_t page_bytes, n_pages;
	int pagemap, kpageflags;
};

static bool is_large(const struct cached_file *c, size_t page)
{
	uint64_t entry = pagemap_entry(c->pagemap, (uintptr_t)c->at + page * c->page_bytes);
	uint64_t flags;

	/* A page that was swapped, or that the kernel does not tell of, has no number. */
	if (!(entry & PAGEMAP_PRESENT) || !(entry & PAGEMAP_PFN))
		return false;
	return pread(c->kpageflags, &flags, sizeof(flags),
		     (off_t)((entry & PAGEMAP_PFN) * sizeof(flags))) == sizeof(flags) &&
	       flags & KPF_COMPOUND;
}

/* Of our pages in one of the processor's. */
static unsigned count_marked(const struct cached_file *c, const struct trace_object *o,
			     size_t page)
{
	size_t ours = c->page_bytes / PAGE_BYTES;
	unsigned n = 0;

	for (size_t i = page * ours; i < (page + 1) * ours && i < o->n_pages; i++)
		n += o->when[i] != 0;
	return n;
}

static uint64_t count_large(const struct cached_file *c, const struct trace_object *o)
{
	uint64_t n = 0;

	for (size_t i = 0, k; i < c->n_pages; i = MAX(k, i + 1)) {
		for (k = i; k < c->n_pages && c->resident[k] & 1 && count_marked(c, o, k);
		     k++)
			;
		/* Unlike a touch it is no SIGBUS where the file has become shorter. */
		if (k == i || madvise(c->at + i * c->page_bytes, (k - i) * c->page_bytes,
				      MADV_POPULATE_READ) < 0)
			continue;
		for (size_t page = i; page < k; page++)
			n += is_large(c, page) ? count_marked(c, o, page) : 0;
	}
	return n;
}

static uint64_t count_mapped(const struct trace_object *o, int fd)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	size_t n_pages = DIV_ROUND_UP(o->size_bytes, page_bytes);
	size_t bytes = n_pages * page_bytes;
	_cleanup_close_ int pagemap = open_pagemap();
	_cleanup_close_ int kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ unsigned char *resident = calloc(n_pages, 1);
	struct cached_file c = {
		.at = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0),
		.resident = resident,
		.page_bytes = page_bytes,
		.n_pages = n_pages,
		.pagemap = pagemap,
		.kpageflags = kpageflags,
	};
	uint64_t n = 0;

	if (c.at == MAP_FAILED)
		return 0;
	if (resident && pagemap >= 0 && kpageflags >= 0 &&
	    mincore(c.at, bytes, resident) == 0)
		n = count_large(&c, o);
	munmap(c.at, bytes);
	return n;
}

uint64_t large_folios_count(const struct trace_object *o)
{
	_cleanup_close_ int fd =
		open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_ino != o->ino ||
	    (uint64_t)st.st_size != o->size_bytes)
		return 0;
	return count_mapped(o, fd);
}
