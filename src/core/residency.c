/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "limits.h"
#include "macro.h"
#include "residency.h"

/* Mapped at a time: address space is cheap, but not endless where RLIMIT_AS is set. */
#define PIECE_BYTES ((size_t)1 << 30)

/* Pages of the CPU, one byte each, to pages of 4096 bytes. */
static void expand(const unsigned char *vec, size_t cpu_page, size_t n_pages, uint8_t *ret)
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
		expand(vec, cpu_page, DIV_ROUND_UP(bytes, PAGE_BYTES), ret);
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
