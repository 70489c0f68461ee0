/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was chosen, in reading order, as bytes. */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "pack-private.h"
#include "shadow-write.h"
#include "vec.h"

#define WINDOW_PAGES 256u /* 1 MiB */

/* An extent of the pack, and where it lies. */
struct piece {
	struct extent_desc extent;
	size_t serial;		     /* in order of rank and first touch */
	uint32_t sweep;		     /* see mark_sweeps() */
	uint64_t device, device_off; /* UINT64_MAX: not known */
};

struct pieces {
	struct piece *items;
	size_t n, capacity;
};

/* In reading order: what the boot itself needs comes before all else, on every disk. */
enum { BOOT, BOOT_SWEPT, OTHERS, OTHERS_SWEPT, GROUPS };

static void pieces_done(struct pieces *p)
{
	free(p->items);
}

static int add_piece(struct pieces *l, uint32_t object, uint32_t first_pgno,
		     uint32_t n_pages, uint32_t rank)
{
	if (VEC_RESERVE_ONE(l->items, l->n, l->capacity) < 0)
		return -ENOMEM;
	l->items[l->n] = (struct piece){
		.extent = { object, first_pgno, n_pages, rank },
		.serial = l->n,
		.device = UINT64_MAX,
		.device_off = UINT64_MAX,
	};
	l->n++;
	return 0;
}

/* What launch RANK brought of its extent E: parts in a row are one piece. */
static int add_extent(const struct pack *p, const struct pack_extent *e, uint32_t rank,
		      struct pieces *ret)
{
	const struct pack_object *o = &p->objects[e->object];
	const uint32_t *bounds = o->bounds + (e->first_part - o->first_part);
	const uint32_t *bringer = p->bringer + e->first_part;
	int r = 0;

	for (uint32_t i = 0, end; r == 0 && i < e->n_parts; i = end) {
		end = i + 1;
		if (bringer[i] != rank)
			continue;
		while (end < e->n_parts && bringer[end] == rank)
			end++;
		r = add_piece(ret, e->object, bounds[i], bounds[end] - bounds[i], rank);
	}
	return r;
}

/*
 * Of the boot's own launches, or of the others. Rotating disks are left to the end: what reads
 * ahead must not queue behind them.
 */
static int collect(const struct pack *p, bool boot, bool swept, struct pieces *ret)
{
	int r = 0;

	for (uint32_t rank = 0; r == 0 && rank < p->n_taken; rank++) {
		const struct pack_launch *l = &p->launches[p->order[rank]];

		if (l->choice.boot != boot)
			continue;
		for (uint32_t k = 0; r == 0 && k < l->n_extents; k++) {
			const struct pack_extent *e = &p->extents[l->first_extent + k];

			if ((p->objects[e->object].storage == STORAGE_ROTATIONAL) == swept)
				r = add_extent(p, e, rank, ret);
		}
	}
	return r;
}

/* ---- sweeps over each disk ---- */

static void mark_sweeps(const struct pack *p, struct pieces *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->items[i].sweep = p->launches[p->order[l->items[i].extent.when]].sweep;
}

/*
 * On a disk that does not seek, what the boot needs about as early may come in any order, and small
 * files that lie side by side are one request when they are asked for one after the other: each
 * MiB, less than 20 ms of such a disk, is put in the order of places. Of 875 pieces of a boot of
 * eight services 640 requests are left.
 */
static void mark_windows(struct pieces *l)
{
	uint64_t n_pages = 0;

	for (size_t i = 0; i < l->n; i++) {
		l->items[i].sweep = (unsigned)(n_pages / WINDOW_PAGES);
		n_pages += l->items[i].extent.n_pages;
	}
}

static int compare_by_page(const void *pa, const void *pb)
{
	const struct extent_desc *a = &((const struct piece *)pa)->extent;
	const struct extent_desc *b = &((const struct piece *)pb)->extent;

	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	return a->first_pgno < b->first_pgno ? -1 : a->first_pgno > b->first_pgno;
}

static int compare_by_place(const void *pa, const void *pb)
{
	const struct piece *a = pa, *b = pb;

	if (a->sweep != b->sweep)
		return a->sweep < b->sweep ? -1 : 1;
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->device_off != b->device_off)
		return a->device_off < b->device_off ? -1 : 1;
	if (a->serial != b->serial)
		return a->serial < b->serial ? -1 : 1;
	return compare_by_page(a, b);
}

/* One piece of a file in pieces that lie in a row each, as far as that is known. */
static int split_piece(const struct piece *whole, uint64_t device,
		       const struct fiemap_runs *runs, struct pieces *ret)
{
	const struct extent_desc *e = &whole->extent;
	uint32_t end = e->first_pgno + e->n_pages;
	int r = 0;

	for (uint32_t pgno = e->first_pgno, next; r == 0 && pgno < end; pgno = next) {
		uint64_t off = (uint64_t)pgno * PAGE_BYTES, run_end;
		const struct fiemap_run *run = fiemap_find(runs, off);
		bool is_known = run && run->file_off <= off;

		/* Up to where it goes on elsewhere; a page over the edge belongs to both. */
		run_end = !run	     ? UINT64_MAX
			  : is_known ? run->file_off + run->n_bytes
				     : run->file_off;
		next = (uint32_t)MIN(MAX(run_end / PAGE_BYTES, (uint64_t)pgno + 1),
				     (uint64_t)end);
		r = add_piece(ret, e->object, pgno, next - pgno, e->when);
		if (r < 0)
			return r;
		ret->items[ret->n - 1].serial = whole->serial;
		ret->items[ret->n - 1].sweep = whole->sweep;
		if (!is_known)
			continue;
		ret->items[ret->n - 1].device = device;
		ret->items[ret->n - 1].device_off = run->device_off + (off - run->file_off);
	}
	return r;
}

/* Small numbers for devices, in the order of their first file: st_dev changes at boots. */
struct devices {
	uint64_t *items;
	size_t n, capacity;
};

static void devices_done(struct devices *d)
{
	free(d->items);
}

static int device_number(struct devices *d, uint64_t device, uint64_t *ret)
{
	size_t i = 0;

	while (i < d->n && d->items[i] != device)
		i++;
	*ret = i;
	if (i < d->n)
		return 0;
	if (VEC_RESERVE_ONE(d->items, d->n, d->capacity) < 0)
		return -ENOMEM;
	d->items[d->n++] = device;
	return 0;
}

struct sweep {
	const struct object_desc *objects;
	pack_locate locate;
	void *userdata;
	struct devices devices;
};

/* The N pieces of one object, by page, where they lie. */
static int place_object(struct sweep *s, const struct piece *pieces, size_t n,
			struct pieces *ret)
{
	const struct object_desc *o = &s->objects[pieces[0].extent.object];
	_cleanup_(fiemap_runs_done) struct fiemap_runs runs = { 0 };
	uint64_t device = 0;
	int r = s->locate(o->path, &o->identity, &device, &runs, s->userdata);

	if (r == 0 && runs.n > 0)
		r = device_number(&s->devices, device, &device);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = split_piece(&pieces[i], device, &runs, ret);
	return r;
}

static int sweep(const struct object_desc *objects, struct pieces *l, pack_locate locate,
		 void *userdata)
{
	struct sweep s = { .objects = objects, .locate = locate, .userdata = userdata };
	struct pieces placed = { 0 };
	int r = 0;

	if (l->n == 0 || !locate)
		return 0;
	qsort(l->items, l->n, sizeof(*l->items), compare_by_page);
	for (size_t i = 0, end; r == 0 && i < l->n; i = end) {
		for (end = i + 1; end < l->n; end++)
			if (l->items[end].extent.object != l->items[i].extent.object)
				break;
		r = place_object(&s, &l->items[i], end - i, &placed);
	}
	devices_done(&s.devices);
	if (r < 0) {
		pieces_done(&placed);
		return r;
	}
	pieces_done(l);
	*l = placed;
	qsort(l->items, l->n, sizeof(*l->items), compare_by_place);
	return 0;
}

/* ---- the container ---- */

struct object_desc pack_describe_object(const struct pack_object *o)
{
	/* What a data file was trained with is of no use any more: it is this one. */
	return (struct object_desc){
		.path = o->path,
		.buildid = o->buildid,
		.wanted_bytes = o->identity.size_bytes,
		.state = OBJECT_VALID,
		.storage = o->storage,
		.identity = o->identity,
	};
}

struct launch_desc pack_describe_launch(const struct pack_choice *c)
{
	return (struct launch_desc){
		.program = c->program,
		.scenario = c->scenario,
		.arch = c->arch,
		.name = c->name,
		.source = SHADOW_NONE,
		.target = SHADOW_NONE,
	};
}

struct image {
	const struct pack *p;
	struct launch_desc *launches;
	struct object_desc *objects;
	struct extent_desc *extents;
	uint32_t *by_path; /* objects of the pack that have pieces */
	uint32_t *number;  /* per object: in by_path */
	uint32_t n_objects;
};

static void image_done(struct image *m)
{
	free(m->launches);
	free(m->objects);
	free(m->extents);
	free(m->by_path);
	free(m->number);
}

static int compare_paths(const void *pa, const void *pb, void *objects)
{
	const struct pack_object *o = objects;

	return strcmp(o[*(const uint32_t *)pa].path, o[*(const uint32_t *)pb].path);
}

static void mark_objects(struct image *m, const struct pieces *l)
{
	for (size_t i = 0; i < l->n; i++) {
		uint32_t object = l->items[i].extent.object;

		if (m->number[object] != SHADOW_NONE)
			continue;
		m->number[object] = 0;
		m->by_path[m->n_objects++] = object;
	}
}

static void renumber(const struct image *m, struct pieces *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->items[i].extent.object = m->number[l->items[i].extent.object];
}

static void describe_objects(struct image *m)
{
	for (uint32_t i = 0; i < m->n_objects; i++) {
		m->number[m->by_path[i]] = i;
		m->objects[i] = pack_describe_object(&m->p->objects[m->by_path[i]]);
	}
}

static int number_objects(struct image *m, struct pieces groups[static GROUPS])
{
	const struct pack *p = m->p;

	m->number = malloc((p->n_objects + 1) * sizeof(*m->number));
	m->by_path = calloc(p->n_objects + 1, sizeof(*m->by_path));
	m->objects = calloc(p->n_objects + 1, sizeof(*m->objects));
	if (!m->number || !m->by_path || !m->objects)
		return -ENOMEM;
	memset(m->number, 0xff, p->n_objects * sizeof(*m->number));
	for (int i = 0; i < GROUPS; i++)
		mark_objects(m, &groups[i]);
	qsort_r(m->by_path, m->n_objects, sizeof(*m->by_path), compare_paths, p->objects);
	describe_objects(m);
	for (int i = 0; i < GROUPS; i++)
		renumber(m, &groups[i]);
	return 0;
}

static int describe_launches(struct image *m)
{
	m->launches = calloc(m->p->n_taken + 1, sizeof(*m->launches));
	if (!m->launches)
		return -ENOMEM;
	for (size_t i = 0; i < m->p->n_taken; i++)
		m->launches[i] = pack_describe_launch(pack_get(m->p, i));
	return 0;
}

static int write_image(struct image *m, const struct pieces groups[static GROUPS],
		       uint8_t **ret, size_t *ret_bytes)
{
	size_t n_eager = groups[BOOT].n + groups[BOOT_SWEPT].n;
	size_t n = n_eager + groups[OTHERS].n + groups[OTHERS_SWEPT].n, next = 0;
	int r = describe_launches(m);

	if (n > UINT32_MAX)
		return -E2BIG;
	m->extents = calloc(n + 1, sizeof(*m->extents));
	if (r < 0 || !m->extents)
		return -ENOMEM;
	for (int g = 0; g < GROUPS; g++)
		for (size_t i = 0; i < groups[g].n; i++)
			m->extents[next++] = groups[g].items[i].extent;
	return shadow_write(&(struct shadow_desc){ .kind = SHADOW_KIND_PACK,
						   .launches = m->launches,
						   .n_launches = (uint32_t)m->p->n_taken,
						   .objects = m->objects,
						   .n_objects = m->n_objects,
						   .extents = m->extents,
						   .n_extents = (uint32_t)n,
						   .n_eager = (uint32_t)n_eager },
			    ret, ret_bytes);
}

static int order_pieces(const struct pack *p, struct image *m, pack_locate locate,
			void *userdata, struct pieces groups[static GROUPS])
{
	int r = collect(p, true, false, &groups[BOOT]);

	if (r == 0)
		r = collect(p, true, true, &groups[BOOT_SWEPT]);
	if (r == 0)
		r = collect(p, false, false, &groups[OTHERS]);
	if (r == 0)
		r = collect(p, false, true, &groups[OTHERS_SWEPT]);
	mark_windows(&groups[BOOT]);
	mark_sweeps(p, &groups[OTHERS_SWEPT]);
	if (r == 0)
		r = number_objects(m, groups);
	if (r == 0)
		r = sweep(m->objects, &groups[BOOT], locate, userdata);
	if (r == 0)
		r = sweep(m->objects, &groups[BOOT_SWEPT], locate, userdata);
	return r == 0 ? sweep(m->objects, &groups[OTHERS_SWEPT], locate, userdata) : r;
}

int pack_write(const struct pack *p, pack_locate locate, void *userdata, uint8_t **ret,
	       size_t *ret_bytes)
{
	struct pieces groups[GROUPS] = { 0 };
	_cleanup_(image_done) struct image m = { .p = p };
	int r;

	*ret = NULL;
	*ret_bytes = 0;
	if (p->n_taken == 0)
		return 0;
	r = order_pieces(p, &m, locate, userdata, groups);
	if (r == 0)
		r = write_image(&m, groups, ret, ret_bytes);
	for (int i = 0; i < GROUPS; i++)
		pieces_done(&groups[i]);
	return r;
}
