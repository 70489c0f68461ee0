/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bounds.h"
#include "macro.h"
#include "plugged.h"

void plugged_add(struct plugged *p, int fd, off_t off, uint32_t n_pages)
{
	p->ranges[p->n++] = (struct plugged_range){ fd, off, n_pages };
	p->n_pages += n_pages;
}

static int ask_one(const struct plugged_range *r)
{
	return -posix_fadvise(r->fd, r->off, (off_t)r->n_pages * PAGE_BYTES,
			      POSIX_FADV_WILLNEED);
}

size_t plugged_room(off_t off, uint32_t n_pages, size_t native)
{
	size_t ahead = (size_t)off % native;

	return DIV_ROUND_UP(ahead + (size_t)n_pages * PAGE_BYTES, native) * native + native;
}

/*
 * Between two ranges one page is of no file: else those of one file that follow each other would
 * become one mapping, and its call would be cut to what the device reads ahead. What cannot be
 * mapped is asked for by itself.
 */
static void ask_mapped(const struct plugged *p, uint8_t *room, size_t bytes, size_t native)
{
	size_t at = 0;

	for (unsigned i = 0; i < p->n; i++) {
		const struct plugged_range *r = &p->ranges[i];
		size_t n = plugged_room(r->off, r->n_pages, native);

		if (mmap(room + at, n - native, PROT_READ, MAP_PRIVATE | MAP_FIXED, r->fd,
			 r->off - r->off % (off_t)native) == MAP_FAILED)
			ask_one(r);
		at += n;
	}
	/* Not allowed here, by whoever filters our system calls: as one by one. */
	if (madvise(room, bytes, MADV_WILLNEED) < 0)
		for (unsigned i = 0; i < p->n; i++)
			ask_one(&p->ranges[i]);
}

int plugged_ask(struct plugged *p)
{
	size_t native = (size_t)sysconf(_SC_PAGESIZE), bytes = 0;
	uint8_t *room;
	int r = 0;

	for (unsigned i = 0; i < p->n; i++)
		bytes += plugged_room(p->ranges[i].off, p->ranges[i].n_pages, native);
	if (p->n < 2 || (room = mmap(NULL, bytes, PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) ==
				MAP_FAILED) {
		for (unsigned i = 0; i < p->n; i++)
			r = ask_one(&p->ranges[i]);
	} else {
		ask_mapped(p, room, bytes, native);
		munmap(room, bytes);
	}
	p->n = 0;
	p->n_pages = 0;
	return r;
}
