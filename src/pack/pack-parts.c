/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files in parts of which each launch needs all or nothing, and who needs each. */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "pack-private.h"
#include "search.h"

static int compare_numbers(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return a < b ? -1 : a > b;
}

static void put_bounds(struct pack *p, const struct pack_launch *l)
{
	for (uint32_t k = 0; k < l->n_extents; k++) {
		const struct pack_extent *e = &p->extents[l->first_extent + k];
		struct pack_object *o = &p->objects[e->object];

		o->bounds[o->n_bounds++] = e->first_pgno;
		o->bounds[o->n_bounds++] = e->first_pgno + e->n_pages;
	}
}

static void sort_bounds(struct pack_object *o)
{
	uint32_t n = 0;

	if (o->n_bounds == 0)
		return;
	qsort(o->bounds, o->n_bounds, sizeof(*o->bounds), compare_numbers);
	for (uint32_t i = 0; i < o->n_bounds; i++)
		if (n == 0 || o->bounds[n - 1] != o->bounds[i])
			o->bounds[n++] = o->bounds[i];
	o->n_bounds = n;
}

/* PGNO is one of O's bounds: every extent's ends are. */
static uint32_t find_bound(const struct pack_object *o, uint32_t pgno)
{
	return (uint32_t)SEARCH_FIRST(i, o->n_bounds, o->bounds[i] < pgno);
}

static void find_parts(struct pack *p, const struct pack_launch *l)
{
	for (uint32_t k = 0; k < l->n_extents; k++) {
		struct pack_extent *e = &p->extents[l->first_extent + k];
		const struct pack_object *o = &p->objects[e->object];
		uint32_t first = find_bound(o, e->first_pgno);

		e->first_part = o->first_part + first;
		e->n_parts = find_bound(o, e->first_pgno + e->n_pages) - first;
	}
}

int pack_cut(struct pack *p)
{
	uint32_t *end;

	p->bounds = calloc(2 * p->n_extents + 1, sizeof(*p->bounds));
	if (!p->bounds)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_launches; i++)
		for (uint32_t k = 0; k < p->launches[i].n_extents; k++)
			p->objects[p->extents[p->launches[i].first_extent + k].object]
				.n_bounds += 2;
	end = p->bounds;
	for (size_t i = 0; i < p->n_objects; i++) {
		p->objects[i].bounds = end;
		end += p->objects[i].n_bounds;
		p->objects[i].n_bounds = 0;
	}
	for (size_t i = 0; i < p->n_launches; i++)
		put_bounds(p, &p->launches[i]);
	for (size_t i = 0; i < p->n_objects; i++) {
		sort_bounds(&p->objects[i]);
		p->objects[i].first_part = p->n_parts;
		p->n_parts += p->objects[i].n_bounds;
	}
	for (size_t i = 0; i < p->n_launches; i++)
		find_parts(p, &p->launches[i]);
	p->bringer = malloc((p->n_parts + 1u) * sizeof(*p->bringer));
	if (!p->bringer)
		return -ENOMEM;
	memset(p->bringer, 0xff, p->n_parts * sizeof(*p->bringer));
	return 0;
}

/* ---- who needs a part ---- */

void pack_shares_done(struct pack_shares *s)
{
	free(s->first);
	free(s->users);
	free(s->pages);
}

static int count_users(const struct pack *p, struct pack_shares *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->n_launches; i++) {
		const struct pack_launch *l = &p->launches[i];

		for (uint32_t k = 0; pack_is_candidate(l) && k < l->n_extents; k++) {
			const struct pack_extent *e = &p->extents[l->first_extent + k];

			for (uint32_t part = 0; part < e->n_parts; part++)
				s->first[e->first_part + part]++;
		}
	}
	/* Where each part's users end; put_users() goes down from there to their start. */
	for (uint32_t i = 0; i <= p->n_parts; i++) {
		sum += s->first[i];
		if (sum > LIMIT_PACK_SHARES)
			return -E2BIG;
		s->first[i] = (uint32_t)sum;
	}
	s->users = malloc((sum + 1) * sizeof(*s->users));
	return s->users ? 0 : -ENOMEM;
}

static void put_users(const struct pack *p, struct pack_shares *s)
{
	for (size_t i = p->n_launches; i-- > 0;) {
		const struct pack_launch *l = &p->launches[i];

		for (uint32_t k = 0; pack_is_candidate(l) && k < l->n_extents; k++) {
			const struct pack_extent *e = &p->extents[l->first_extent + k];

			for (uint32_t part = 0; part < e->n_parts; part++)
				s->users[--s->first[e->first_part + part]] = (uint32_t)i;
		}
	}
}

int pack_find_shares(const struct pack *p, struct pack_shares *s)
{
	int r;

	s->first = calloc(p->n_parts + 1u, sizeof(*s->first));
	s->pages = calloc(p->n_parts + 1u, sizeof(*s->pages));
	if (!s->first || !s->pages)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_objects; i++) {
		const struct pack_object *o = &p->objects[i];

		for (uint32_t k = 1; k < o->n_bounds; k++)
			s->pages[o->first_part + k - 1] = o->bounds[k] - o->bounds[k - 1];
	}
	r = count_users(p, s);
	if (r == 0)
		put_users(p, s);
	return r;
}
