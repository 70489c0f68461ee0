/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * residency FILE...: the runs of resident pages, one line "FILE FIRST COUNT" each, none for
 * a file that is not cached. residency --brought FILE...: of pages that were brought in since they
 * were dropped, whether or not the kernel took them away again. residency --evict FILE...: drop their pages.
 * residency --evicted FILE...: exit status 0 where the kernel took pages of one away.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bounds.h"
#include "macro.h"
#include "residency.h"

static void print_marked(const char *path, const uint8_t *pages, uint32_t n)
{
	uint32_t first;

	for (uint32_t i = 0; i < n; i++) {
		if (!pages[i])
			continue;
		for (first = i; i < n && pages[i];)
			i++;
		printf("%s %u %u\n", path, first, i - first);
	}
}

static int print_runs(const char *path, int fd)
{
	_cleanup_free_ uint8_t *pages = NULL;
	uint32_t n;
	int r = residency_read(fd, &pages, &n);

	if (r == 0)
		print_marked(path, pages, n);
	return r;
}

static int drop(const char *path, int fd)
{
	(void)path;
	return residency_evict(fd);
}

/*
 * Reclaim leaves a shadow where a page was; who drops pages, or unmounts, leaves none. All of
 * them: residency_count() tells of those alone that the kernel calls recent. 0: none, or a kernel
 * that does not tell.
 */
static int count_shadows(int fd, uint64_t off, uint64_t bytes)
{
	uint64_t range[2] = { off, bytes };
	struct {
		uint64_t cached, dirty, writeback, evicted, recently;
	} n = { 0 };

	if (syscall(451 /* cachestat, Linux 6.5 */, fd, range, &n, 0) < 0)
		return errno == ENOSYS ? 0 : -errno;
	return n.evicted > 0;
}

static int count_evicted(const char *path, int fd)
{
	(void)path;
	return count_shadows(fd, 0, 0);
}

static int print_brought(const char *path, int fd)
{
	_cleanup_free_ uint8_t *pages = NULL;
	uint32_t n;
	int r = residency_read(fd, &pages, &n);

	for (uint32_t i = 0; r >= 0 && i < n; i++) {
		if (pages[i])
			continue;
		r = count_shadows(fd, (uint64_t)i * PAGE_BYTES, PAGE_BYTES);
		pages[i] = r > 0;
	}
	if (r >= 0)
		print_marked(path, pages, n);
	return MIN(r, 0);
}

int main(int argc, char *argv[])
{
	int (*look)(const char *path, int fd) = print_runs;
	int i = 1, n = 0;

	if (argc > 1 && strcmp(argv[1], "--evict") == 0)
		look = drop, i++;
	else if (argc > 1 && strcmp(argv[1], "--brought") == 0)
		look = print_brought, i++;
	else if (argc > 1 && strcmp(argv[1], "--evicted") == 0)
		look = count_evicted, i++;
	for (; i < argc; i++) {
		_cleanup_close_ int fd = open(argv[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		int r = fd < 0 ? -1 : look(argv[i], fd);

		if (r < 0) {
			fprintf(stderr, "residency: %s: failed\n", argv[i]);
			return 2;
		}
		n += r;
	}
	return look == count_evicted && n == 0;
}
