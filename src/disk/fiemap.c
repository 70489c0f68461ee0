/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "bounds.h"
#include "fiemap.h"
#include "macro.h"
#include "search.h"
#include "vec.h"

#define ASK_RUNS 64
#define WITHOUT_A_PLACE                                                                    \
	(FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE |      \
	 FIEMAP_EXTENT_DATA_TAIL)

/* The kernel writes the extents behind the question. */
union question {
	struct fiemap map;
	char bytes[sizeof(struct fiemap) + ASK_RUNS * sizeof(struct fiemap_extent)];
};

static bool is_next_to(const struct fiemap_run *a, const struct fiemap_extent *e)
{
	return a->file_off + a->n_bytes == e->fe_logical &&
	       a->device_off + a->n_bytes == e->fe_physical;
}

/* Sums of what a file system says may wrap only where it says nonsense: left out, too. */
static bool is_sane(const struct fiemap_runs *r, const struct fiemap_extent *e)
{
	const struct fiemap_run *last = r->n ? &r->items[r->n - 1] : NULL;
	uint64_t end;

	return e->fe_length > 0 &&
	       !__builtin_add_overflow(e->fe_logical, e->fe_length, &end) &&
	       !__builtin_add_overflow(e->fe_physical, e->fe_length, &end) &&
	       (!last || e->fe_logical >= last->file_off + last->n_bytes);
}

static int add_run(struct fiemap_runs *r, const struct fiemap_extent *e)
{
	if ((e->fe_flags & WITHOUT_A_PLACE) || !is_sane(r, e))
		return 0;
	if (r->n > 0 && is_next_to(&r->items[r->n - 1], e)) {
		r->items[r->n - 1].n_bytes += e->fe_length;
		return 0;
	}
	if (VEC_RESERVE_ONE(r->items, r->n, r->capacity) < 0)
		return -ENOMEM;
	r->items[r->n++] =
		(struct fiemap_run){ e->fe_logical, e->fe_physical, e->fe_length };
	return 0;
}

/* The runs from *OFF on; *OFF moves on, and is UINT64_MAX at the end. */
static int read_some(int fd, uint64_t *off, struct fiemap_runs *ret)
{
	union question q;
	const struct fiemap_extent *last;
	int r = 0;

	/* Zeroed, for valgrind and for kernels that fill less than they say. */
	memset(&q, 0, sizeof(q));
	q.map.fm_start = *off;
	q.map.fm_length = FIEMAP_MAX_OFFSET - *off;
	q.map.fm_extent_count = ASK_RUNS;
	if (ioctl(fd, FS_IOC_FIEMAP, &q.map) < 0)
		return -errno;
	if (q.map.fm_mapped_extents == 0) {
		*off = UINT64_MAX;
		return 0;
	}
	q.map.fm_mapped_extents = MIN(q.map.fm_mapped_extents, (unsigned)ASK_RUNS);
	for (uint32_t i = 0; r == 0 && i < q.map.fm_mapped_extents; i++)
		r = add_run(ret, &q.map.fm_extents[i]);
	last = &q.map.fm_extents[q.map.fm_mapped_extents - 1];
	if ((last->fe_flags & FIEMAP_EXTENT_LAST) ||
	    last->fe_logical + last->fe_length <= *off)
		*off = UINT64_MAX;
	else
		*off = last->fe_logical + last->fe_length;
	return r;
}

int fiemap_read(int fd, struct fiemap_runs *ret)
{
	struct fiemap_runs runs = { 0 };
	uint64_t off = 0;
	int r = 0;

	while (r == 0 && off < FIEMAP_MAX_OFFSET && runs.n < LIMIT_FIEMAP_RUNS)
		r = read_some(fd, &off, &runs);
	if (r < 0) {
		fiemap_runs_done(&runs);
		return r;
	}
	*ret = runs;
	return 0;
}

void fiemap_runs_done(struct fiemap_runs *r)
{
	free(r->items);
	*r = (struct fiemap_runs){ 0 };
}

const struct fiemap_run *fiemap_find(const struct fiemap_runs *r, uint64_t file_off)
{
	size_t at = SEARCH_FIRST(i, r->n,
				 r->items[i].file_off + r->items[i].n_bytes <= file_off);

	return at < r->n ? &r->items[at] : NULL;
}
