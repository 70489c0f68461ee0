/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "macro.h"
#include "touched-page.h"
#include "vec.h"

/* 8 MiB. A boot of eight services has 10,000. */
#define MAX_TOUCHES   (1u << 18)
/* Of one file in one thread: executed again and again, a process has other addresses each time. */
#define MAX_DISTANCES 64
/* A single guess may be wrong: the window began where the mapping begins. */
#define MIN_VOTES     2u

int touches_init(struct touches *t, unsigned n_cpus, unsigned around_pages)
{
	*t = (struct touches){ .n_cpus = n_cpus, .around_pages = MAX(around_pages, 1u) };
	t->last = calloc(n_cpus, sizeof(t->last[0]));
	return t->last ? 0 : -ENOMEM;
}

void touches_done(struct touches *t)
{
	free(t->last);
	free(t->items);
	*t = (struct touches){ 0 };
}

void touches_begin(struct touches *t, unsigned cpu, uint32_t pid, uint64_t page)
{
	if (cpu < t->n_cpus)
		t->last[cpu] = (struct touch_last){ .pid = pid, .page = page };
}

static int add(struct touches *t, unsigned cpu, uint32_t pid, void *file, uint64_t first,
	       uint64_t last, uint8_t when)
{
	if (cpu >= t->n_cpus || t->last[cpu].pid != pid || pid == 0)
		return 0;
	if (first > UINT32_MAX || last < first || last - first >= UINT16_MAX)
		return 0;
	if (t->n >= MAX_TOUCHES) {
		t->n_dropped++;
		return 0;
	}
	if (VEC_RESERVE_ONE(t->items, t->n, t->capacity) < 0)
		return -ENOMEM;
	t->items[t->n++] = (struct touch){
		.file = file,
		.page = t->last[cpu].page,
		.pid = pid,
		.first_pgno = (uint32_t)first,
		.n_pages = (uint16_t)(last - first + 1),
		.when = when,
	};
	return 0;
}

int touches_mapped(struct touches *t, unsigned cpu, uint32_t pid, void *file,
		   uint64_t first_pgno, uint64_t last_pgno, uint8_t when)
{
	int r = 0;

	if (cpu < t->n_cpus && !t->last[cpu].mapped)
		r = add(t, cpu, pid, file, first_pgno, last_pgno, when);
	if (cpu < t->n_cpus && t->last[cpu].pid == pid)
		t->last[cpu].mapped = true;
	return r;
}

/* After that, the thread waits for the disk, and comes with the same touch again. */
int touches_exact(struct touches *t, unsigned cpu, uint32_t pid, void *file, uint64_t pgno,
		  uint8_t when)
{
	int r = add(t, cpu, pid, file, pgno, pgno, when);

	if (cpu < t->n_cpus && t->last[cpu].pid == pid)
		t->last[cpu].pid = 0;
	return r;
}

/* ---- guesses ---- */

/* How many pages an address is away from its page in the file; wraps where that is less. */
struct distance {
	uint64_t pages;
	uint32_t last_first_pgno; /* of the window that voted last */
	unsigned n_votes;
};

struct distances {
	struct distance items[MAX_DISTANCES];
	size_t n;
};

static bool is_in(const struct touch *t, uint64_t distance)
{
	return t->page - distance - t->first_pgno < t->n_pages;
}

/* What T says, where it says anything. */
static bool guess(const struct touches *t, const struct touch *touch, uint64_t *ret)
{
	uint64_t begin = touch->n_pages == 1 ? touch->page
					     : touch->page - touch->page % t->around_pages;

	*ret = begin - touch->first_pgno;
	return is_in(touch, *ret);
}

/* Sorted by where they begin: the same window again is no second vote. */
static void vote(struct distances *d, uint64_t pages, uint32_t first_pgno)
{
	size_t i = 0;

	while (i < d->n && d->items[i].pages != pages)
		i++;
	if (i == MAX_DISTANCES)
		return;
	if (i == d->n)
		d->items[d->n++] = (struct distance){ pages, first_pgno, 1 };
	else if (d->items[i].last_first_pgno != first_pgno)
		d->items[i] =
			(struct distance){ pages, first_pgno, d->items[i].n_votes + 1 };
}

static const struct distance *best_for(const struct distances *d, const struct touch *t)
{
	const struct distance *best = NULL;

	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].n_votes >= MIN_VOTES && is_in(t, d->items[i].pages) &&
		    (!best || d->items[i].n_votes > best->n_votes))
			best = &d->items[i];
	return best;
}

static int compare(const void *pa, const void *pb)
{
	const struct touch *a = pa, *b = pb;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->file != b->file)
		return (uintptr_t)a->file < (uintptr_t)b->file ? -1 : 1;
	return (a->first_pgno > b->first_pgno) - (a->first_pgno < b->first_pgno);
}

void touches_resolve(struct touches *t,
		     void (*each)(void *file, uint32_t pgno, uint8_t when, void *userdata),
		     void *userdata)
{
	struct distances d;
	uint64_t pages;

	if (t->n)
		qsort(t->items, t->n, sizeof(t->items[0]), compare);
	for (size_t i = 0, k; i < t->n; i = k) {
		const struct touch *one = &t->items[i];

		d.n = 0;
		for (k = i; k < t->n && t->items[k].pid == one->pid &&
			    t->items[k].file == one->file;
		     k++)
			if (guess(t, &t->items[k], &pages))
				vote(&d, pages, t->items[k].first_pgno);
		for (; one < &t->items[k]; one++) {
			const struct distance *best =
				one->n_pages == 1 ? NULL : best_for(&d, one);

			if (one->n_pages == 1)
				each(one->file, one->first_pgno, one->when, userdata);
			else if (best)
				each(one->file, (uint32_t)(one->page - best->pages),
				     one->when, userdata);
		}
	}
}
