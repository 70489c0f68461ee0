/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "hash.h"
#include "macro.h"
#include "shadow-read.h"
#include "shadow-write.h"

int extent_desc_compare(const void *pa, const void *pb)
{
	const struct extent_desc *a = pa, *b = pb;

	if (a->when != b->when)
		return a->when < b->when ? -1 : 1;
	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	return (a->first_pgno > b->first_pgno) - (a->first_pgno < b->first_pgno);
}

/* The parts of the buffer, as the header has them. */
struct parts {
	struct shadow_header *header;
	struct shadow_launch *launches;
	struct shadow_object *objects;
	struct shadow_extent *extents;
	char *strings;
	size_t strings_used;
};

static uint64_t count_string_bytes(const struct shadow_desc *d)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < d->n_launches; i++) {
		const struct launch_desc *l = &d->launches[i];

		n += strlen(l->program) + strlen(l->scenario) + strlen(l->arch) +
		     strlen(l->name) + 4;
		for (uint32_t k = 0; k < l->n_lookups; k++)
			n += strlen(l->lookups[k]) + 1;
	}
	for (uint32_t i = 0; i < d->n_objects; i++)
		n += strlen(d->objects[i].path) + 1;
	return n;
}

/* No sum overflows: counts have 32 bits, and the strings are in memory. */
static uint64_t count_bytes(const struct shadow_desc *d, uint64_t string_bytes)
{
	return sizeof(struct shadow_header) +
	       (uint64_t)d->n_launches * sizeof(struct shadow_launch) +
	       (uint64_t)d->n_objects * sizeof(struct shadow_object) +
	       (uint64_t)d->n_extents * sizeof(struct shadow_extent) + string_bytes;
}

static le32 put_string(struct parts *p, const char *s)
{
	le32 offset = le32_make((uint32_t)p->strings_used);
	size_t n = strlen(s) + 1;

	memcpy(p->strings + p->strings_used, s, n);
	p->strings_used += n;
	return offset;
}

static struct shadow_launch make_launch(struct parts *p, const struct launch_desc *d)
{
	struct shadow_launch l = {
		.source = le32_make(d->source),
		.target = le32_make(d->target),
		.first_extent = le32_make(d->first_extent),
		.n_extents = le32_make(d->n_extents),
	};

	/* In the order of the fields: this is the order of the strings. */
	l.program = put_string(p, d->program);
	l.scenario = put_string(p, d->scenario);
	l.arch = put_string(p, d->arch);
	l.name = put_string(p, d->name);
	return l;
}

/* In a bundle the launch says where its own are. */
static uint32_t put_lookups(struct parts *p, const struct shadow_desc *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->n_launches; i++) {
		const struct launch_desc *l = &d->launches[i];

		if (d->kind == SHADOW_KIND_BUNDLE && l->n_lookups > 0) {
			p->launches[i].source = le32_make((uint32_t)p->strings_used);
			p->launches[i].target = le32_make(l->n_lookups);
		}
		for (uint32_t k = 0; k < l->n_lookups; k++)
			put_string(p, l->lookups[k]);
		n += l->n_lookups;
	}
	return n;
}

static struct shadow_object make_object(struct parts *p, const struct object_desc *d)
{
	struct shadow_object o = {
		.path = put_string(p, d->path),
		.buildid_bytes = d->buildid.n_bytes,
		.state = (uint8_t)d->state,
		.storage = (uint8_t)d->storage,
		.confidence = d->confidence,
		.wanted_bytes = le64_make(d->wanted_bytes),
		.ino = le64_make(d->identity.ino),
		.size_bytes = le64_make(d->identity.size_bytes),
		.mtime_ns = le64_make((uint64_t)d->identity.mtime_ns),
		.ctime_ns = le64_make((uint64_t)d->identity.ctime_ns),
		.first_extent = le32_make(SHADOW_NONE),
	};

	_Static_assert(SHADOW_BUILDID_BYTES == BUILDID_MAX_BYTES, "build-id");
	memcpy(o.buildid, d->buildid.bytes, MIN(d->buildid.n_bytes, BUILDID_MAX_BYTES));
	return o;
}

static int compare_by_page(const void *pa, const void *pb, void *extents)
{
	const struct extent_desc *e = extents;
	const struct extent_desc *a = &e[*(const uint32_t *)pa],
				 *b = &e[*(const uint32_t *)pb];

	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	if (a->first_pgno != b->first_pgno)
		return a->first_pgno < b->first_pgno ? -1 : 1;
	return 0;
}

/* Chain the extents of each object by page. ORDER has room for all. */
static void link_extents(struct parts *p, const struct shadow_desc *d, uint32_t *order)
{
	for (uint32_t i = 0; i < d->n_extents; i++)
		order[i] = i;
	qsort_r(order, d->n_extents, sizeof(*order), compare_by_page,
		(void *)(uintptr_t)d->extents);
	for (uint32_t i = d->n_extents; i > 0; i--) {
		struct shadow_object *o = &p->objects[d->extents[order[i - 1]].object];

		p->extents[order[i - 1]].next = o->first_extent;
		o->first_extent = le32_make(order[i - 1]);
	}
}

static int put_extents(struct parts *p, const struct shadow_desc *d)
{
	_cleanup_free_ uint32_t *order = NULL;

	if (d->n_extents == 0)
		return 0;
	order = calloc(d->n_extents, sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->n_extents; i++) {
		const struct extent_desc *e = &d->extents[i];

		if (e->object >= d->n_objects)
			return -EINVAL;
		p->extents[i] = (struct shadow_extent){
			.object = le32_make(e->object),
			.first_pgno = le32_make(e->first_pgno),
			.n_pages = le32_make(e->n_pages),
			.when = le32_make(e->when),
			.next = le32_make(SHADOW_NONE),
		};
	}
	if (d->kind != SHADOW_KIND_INDEX && d->kind != SHADOW_KIND_BUNDLE)
		link_extents(p, d, order);
	return 0;
}

static struct parts divide(uint8_t *data, const struct shadow_desc *d)
{
	struct parts p = { .header = (struct shadow_header *)data };

	p.launches = (struct shadow_launch *)(data + sizeof(*p.header));
	p.objects = (struct shadow_object *)(p.launches + d->n_launches);
	p.extents = (struct shadow_extent *)(p.objects + d->n_objects);
	p.strings = (char *)(p.extents + d->n_extents);
	return p;
}

static void seal(uint8_t *data, size_t bytes)
{
	struct shadow_header *h = (struct shadow_header *)data;

	h->xxh3 =
		le64_make(hash_without(data, bytes, offsetof(struct shadow_header, xxh3)));
}

static int fill(uint8_t *data, size_t bytes, size_t string_bytes,
		const struct shadow_desc *d)
{
	struct parts p = divide(data, d);
	int r;

	*p.header = (struct shadow_header){
		.version = le32_make(SHADOW_VERSION),
		.kind = le32_make(d->kind),
		.file_bytes = le64_make(bytes),
		.n_launches = le32_make(d->n_launches),
		.n_objects = le32_make(d->n_objects),
		.n_extents = le32_make(d->n_extents),
		.strings_bytes = le32_make((uint32_t)string_bytes),
		.n_eager = le32_make(d->n_eager),
	};
	memcpy(p.header->magic, SHADOW_MAGIC, sizeof(p.header->magic));
	for (uint32_t i = 0; i < d->n_launches; i++)
		p.launches[i] = make_launch(&p, &d->launches[i]);
	for (uint32_t i = 0; i < d->n_objects; i++)
		p.objects[i] = make_object(&p, &d->objects[i]);
	p.header->n_lookups = le32_make(put_lookups(&p, d));
	r = put_extents(&p, d);
	if (r < 0)
		return r;
	seal(data, bytes);
	return 0;
}

static uint64_t limit_bytes(enum shadow_kind kind)
{
	switch (kind) {
	case SHADOW_KIND_SHADOW:
		return LIMIT_SHADOW_BYTES;
	case SHADOW_KIND_BUNDLE:
		return LIMIT_BUNDLE_BYTES;
	default:
		return LIMIT_PACK_BYTES;
	}
}

int shadow_write(const struct shadow_desc *desc, uint8_t **ret, size_t *ret_bytes)
{
	uint64_t string_bytes = count_string_bytes(desc);
	uint64_t bytes = count_bytes(desc, string_bytes);
	_cleanup_free_ uint8_t *data = NULL;
	struct shadow checked;
	int r;

	if (bytes > limit_bytes(desc->kind))
		return -E2BIG;
	data = malloc(bytes);
	if (!data)
		return -ENOMEM;
	r = fill(data, bytes, string_bytes, desc);
	if (r < 0)
		return r;
	/* One set of rules: what the reader refuses was against them. */
	if (shadow_parse(data, bytes, &checked) < 0)
		return -EINVAL;
	*ret = TAKE_PTR(data);
	*ret_bytes = bytes;
	return 0;
}

void shadow_forget_inodes(uint8_t *data, size_t bytes)
{
	const struct shadow_header *h = (const struct shadow_header *)data;
	const struct shadow_desc d = { .n_launches = le32_get(h->n_launches) };
	struct shadow_object *o = divide(data, &d).objects;

	for (uint32_t i = le32_get(h->n_objects); i > 0; i--, o++)
		if (o->buildid_bytes == 0)
			o->ino = o->mtime_ns = o->ctime_ns = le64_make(0);
	seal(data, bytes);
}
