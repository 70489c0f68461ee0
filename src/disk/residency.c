/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "bounds.h"
#include "fstypes.h"
#include "macro.h"
#include "residency.h"

/* Mapped at a time: address space is cheap, but not endless where RLIMIT_AS is set. */
#define PIECE_BYTES ((size_t)1 << 30)

void residency_expand(const unsigned char *vec, size_t cpu_page, size_t n_pages,
		      uint8_t *ret)
{
	for (size_t i = 0; i < n_pages; i++)
		ret[i] = vec[i * PAGE_BYTES / cpu_page] & 1;
}

/* Mapping a file reads none of it; mincore looks at the page cache behind the mapping. */
static int read_piece(int fd, uint64_t off, size_t bytes, unsigned char *vec, uint8_t *ret)
{
	size_t cpu_page = (size_t)sysconf(_SC_PAGESIZE);
	void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, (off_t)off);
	int r = 0;

	if (map == MAP_FAILED)
		return -errno;
	if (mincore(map, bytes, vec) < 0)
		r = -errno;
	else
		residency_expand(vec, cpu_page, DIV_ROUND_UP(bytes, PAGE_BYTES), ret);
	munmap(map, bytes);
	return r;
}

int residency_read(int fd, uint8_t **ret, uint32_t *ret_pages)
{
	_cleanup_free_ unsigned char *vec = NULL;
	_cleanup_free_ uint8_t *pages = NULL;
	uint64_t bytes, n_pages;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	bytes = (uint64_t)st.st_size;
	if (bytes > LIMIT_FILE_BYTES)
		return -E2BIG;
	n_pages = DIV_ROUND_UP(bytes, PAGE_BYTES);
	if (n_pages > 0) {
		pages = malloc(n_pages);
		vec = malloc(MIN(n_pages, PIECE_BYTES / PAGE_BYTES));
		if (!pages || !vec)
			return -ENOMEM;
	}
	for (uint64_t off = 0; off < bytes; off += PIECE_BYTES) {
		int r = read_piece(fd, off, (size_t)MIN(bytes - off, PIECE_BYTES), vec,
				   pages + off / PAGE_BYTES);

		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(pages);
	*ret_pages = (uint32_t)n_pages;
	return 0;
}

/* Headers before Linux 6.5 lack it; the number is the same on all architectures but alpha. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct cache_range {
	uint64_t off, bytes;
};

/* Pages of the CPU. */
struct cache_counts {
	uint64_t n_cached, n_dirty, n_writeback, n_evicted, n_recently_evicted;
};

/* Whole pages of the CPU around them; past the end of the file nothing is there. */
static int count_by_mincore(int fd, uint64_t first_pgno, uint64_t n_pages,
			    struct residency_count *ret)
{
	uint64_t cpu_page = (uint64_t)sysconf(_SC_PAGESIZE), end, from, to;
	_cleanup_free_ unsigned char *vec = NULL;
	_cleanup_free_ uint8_t *pages = NULL;
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (struct residency_count){ 0 };
	end = MIN((first_pgno + n_pages) * PAGE_BYTES, (uint64_t)st.st_size);
	from = first_pgno * PAGE_BYTES / cpu_page * cpu_page;
	if (end <= first_pgno * PAGE_BYTES)
		return 0;
	vec = malloc(MIN(DIV_ROUND_UP(end - from, cpu_page), PIECE_BYTES / PAGE_BYTES));
	pages = malloc(MIN(DIV_ROUND_UP(end - from, PAGE_BYTES), PIECE_BYTES / PAGE_BYTES));
	if (!vec || !pages)
		return -ENOMEM;
	for (; r == 0 && from < end; from = to) {
		to = MIN(end, from + PIECE_BYTES);
		r = read_piece(fd, from, (size_t)(to - from), vec, pages);
		for (uint64_t off = from; r == 0 && off < to; off += PAGE_BYTES)
			ret->n_resident += off / PAGE_BYTES >= first_pgno &&
					   pages[(off - from) / PAGE_BYTES];
	}
	return r;
}

uint64_t residency_piece(uint64_t first_pgno, uint64_t n_pages, uint64_t per)
{
	uint64_t ahead = first_pgno % per;

	return ahead || n_pages < per ? MIN(per - ahead, n_pages) : n_pages - n_pages % per;
}

/* Of N_PAGES that are a part of one of the CPU's pages, of PER of ours, or whole ones. */
static int count_piece(int fd, uint64_t first_pgno, uint64_t n_pages, uint64_t per,
		       struct residency_count *ret)
{
	struct cache_range range = { first_pgno * PAGE_BYTES, n_pages * PAGE_BYTES };
	uint64_t n_resident;
	struct cache_counts c;

	if (syscall(SYS_cachestat, fd, &range, &c, 0) < 0)
		return -errno;
	n_resident = MIN(c.n_cached * per, n_pages);
	ret->n_resident += n_resident;
	ret->n_evicted += MIN(c.n_recently_evicted * per, n_pages - n_resident);
	return 0;
}

/* To whom mincore(2) tells the truth. */
static bool is_owner(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (geteuid() == 0 || st.st_uid == geteuid());
}

/*
 * cachestat(2) looks at the pages of the inode that is open: a layered one has none (overlay, Linux 6.18).
 * mincore(2) looks through a mapping, which is of the file below.
 */
static bool is_layered(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fstype_from_magic((uint32_t)fs.f_type)->layered;
}

int residency_count(int fd, uint64_t first_pgno, uint64_t n_pages,
		    struct residency_count *ret)
{
	uint64_t per = (uint64_t)sysconf(_SC_PAGESIZE) / PAGE_BYTES, n;
	struct residency_count sum = { 0 };

	if (is_layered(fd))
		return is_owner(fd) ? count_by_mincore(fd, first_pgno, n_pages, ret)
				    : -EPERM;
	for (uint64_t i = 0; i < n_pages; i += n) {
		int r;

		n = residency_piece(first_pgno + i, n_pages - i, per);
		r = count_piece(fd, first_pgno + i, n, per, &sum);
		/* -EPERM to the owner: a filter of system calls that is older. */
		if (r == -ENOSYS || r == -EOPNOTSUPP || (r == -EPERM && is_owner(fd)))
			return count_by_mincore(fd, first_pgno, n_pages, ret);
		if (r < 0)
			return r;
	}
	*ret = sum;
	return 0;
}

int residency_evict(int fd)
{
	/* Dirty pages stay: write them first. */
	if (fdatasync(fd) < 0 && errno != EROFS && errno != EINVAL)
		return -errno;
	return -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

int residency_settle(int fd, const uint8_t *pages, uint32_t n_pages)
{
	char byte;

	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	/* Reading a byte sleeps until its page is there. */
	for (uint32_t i = 0; i < n_pages; i++)
		if (pages[i] && pread(fd, &byte, 1, (off_t)i * PAGE_BYTES) < 0)
			return -errno;
	return 0;
}
