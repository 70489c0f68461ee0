/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages of which files below DIR are in the page cache, by mincore(2): the independent
 * oracle. Shares no code with elfcast. One line per run of pages of 4096 bytes, whatever the
 * processor's are, "first count path", paths as seen from DIR. Directories of other file systems are left out. Root only: others are
 * told that everything is resident (Linux 5.2).
 *
 * Usage: lab-mincore DIR
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u

static size_t prefix_len, page_bytes;

/* IN: of the processor's pages. */
static void print_runs(const char *path, const unsigned char *in, size_t bytes)
{
	size_t n_pages = (bytes + page_bytes - 1) / page_bytes, per = page_bytes / PAGE;
	size_t n_ours = (bytes + PAGE - 1) / PAGE;

	for (size_t i = 0, first, end; i < n_pages;) {
		if (!(in[i] & 1)) {
			i++;
			continue;
		}
		for (first = i; i < n_pages && (in[i] & 1); i++)
			;
		end = i * per < n_ours ? i * per : n_ours;
		printf("%zu %zu %s\n", first * per, end - first * per, path);
	}
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *unused)
{
	size_t bytes = (size_t)st->st_size;
	unsigned char *in;
	void *p;
	int fd;

	(void)unused;
	if (type != FTW_F || !S_ISREG(st->st_mode) || bytes == 0)
		return 0;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	in = malloc(bytes / page_bytes + 1);
	p = fd < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (!in || p == MAP_FAILED || mincore(p, bytes, in) < 0) {
		perror(path);
		return 1;
	}
	print_runs(path + prefix_len, in, bytes);
	munmap(p, bytes);
	free(in);
	close(fd);
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc != 2) {
		fputs("Usage: lab-mincore DIR\n", stderr);
		return 2;
	}
	page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	prefix_len = strlen(argv[1]);
	return nftw(argv[1], visit, 64, FTW_PHYS | FTW_MOUNT) != 0;
}
