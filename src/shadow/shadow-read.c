/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of elfcast-shadow(5), each in one place and in its order. Nothing behind the
 * header is looked at before the checksum was right; nothing but take() and next_string()
 * makes a pointer from a number of the file.
 */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "hash.h"
#include "io.h"
#include "shadow-read.h"
#include "utf8.h"

struct reader {
	const uint8_t *data;
	size_t bytes, used;
};

/* The next N items of ITEM_BYTES each, or NULL when there are not so many. */
static const void *take(struct reader *r, size_t n, size_t item_bytes)
{
	const uint8_t *p = r->data + r->used;
	size_t wanted;

	if (__builtin_mul_overflow(n, item_bytes, &wanted) || wanted > r->bytes - r->used)
		return NULL;
	r->used += wanted;
	return p;
}

static const char *take_string(struct reader *strings)
{
	const uint8_t *p = strings->data + strings->used;
	const uint8_t *end;

	if (strings->used == strings->bytes)
		return NULL;
	end = memchr(p, 0, strings->bytes - strings->used);
	if (!end)
		return NULL;
	strings->used += (size_t)(end - p) + 1;
	return (const char *)p;
}

/* Strings lie in the order of their references, each for one: all are used, none overlap. */
static const char *next_string(struct reader *strings, le32 offset)
{
	return le32_get(offset) == strings->used ? take_string(strings) : NULL;
}

/* Absolute and canonical: the mount table is asked about the text alone. */
static bool is_path(const char *s)
{
	if (!s || *s != '/' || strlen(s) > LIMIT_PATH_BYTES)
		return false;
	while (*s) {
		const char *part = s + 1;
		size_t n = strcspn(part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		s = part + n;
	}
	return true;
}

static bool is_word(const char *s)
{
	return s && *s && strlen(s) <= LIMIT_NAME_BYTES && utf8_is_plain(s);
}

static bool is_launch_name(const struct shadow *s, const char *name)
{
	if (!name)
		return false;
	if (s->kind == SHADOW_KIND_SHADOW)
		return *name == 0 || is_path(name);
	return *name && strlen(name) <= LIMIT_PROFILE_NAME_BYTES && !strchr(name, '/');
}

static bool is_launch_file(const struct shadow *s, le32 object)
{
	if (s->kind == SHADOW_KIND_INDEX)
		return le32_get(object) < s->n_objects;
	/* Of a bundle: check_lookups(). */
	return s->kind == SHADOW_KIND_BUNDLE || le32_get(object) == SHADOW_NONE;
}

static bool check_launch(const struct shadow *s, const struct shadow_launch *l,
			 struct reader *strings)
{
	return is_path(next_string(strings, l->program)) &&
	       is_word(next_string(strings, l->scenario)) &&
	       is_word(next_string(strings, l->arch)) &&
	       is_launch_name(s, next_string(strings, l->name)) &&
	       is_launch_file(s, l->source) && is_launch_file(s, l->target);
}

/* Those of an index by name, of a bundle by program and name: for looking up. */
static bool are_sorted(const struct shadow *s, const struct shadow_launch *a,
		       const struct shadow_launch *b)
{
	int c = 0;

	if (s->kind == SHADOW_KIND_BUNDLE)
		c = strcmp(shadow_string(s, a->program), shadow_string(s, b->program));
	else if (s->kind != SHADOW_KIND_INDEX)
		return true;
	return c ? c < 0 : strcmp(shadow_string(s, a->name), shadow_string(s, b->name)) < 0;
}

/* Launches share out the extents in order, but in a pack each extent names its launch. */
static bool check_launches(const struct shadow *s, struct reader *strings)
{
	bool shares = s->kind == SHADOW_KIND_SHADOW || s->kind == SHADOW_KIND_INDEX ||
		      s->kind == SHADOW_KIND_BUNDLE;
	uint32_t extent = 0, n_extents = shares ? s->n_extents : 0;

	for (uint32_t i = 0; i < s->n_launches; i++) {
		const struct shadow_launch *l = &s->launches[i];

		if (!check_launch(s, l, strings) || le32_get(l->first_extent) != extent ||
		    le32_get(l->n_extents) > n_extents - extent)
			return false;
		extent += le32_get(l->n_extents);
		if (i > 0 && !are_sorted(s, &l[-1], l))
			return false;
	}
	return extent == n_extents;
}

static bool is_zero(const void *data, size_t bytes)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < bytes; i++)
		if (p[i])
			return false;
	return true;
}

/* A file system, named by where it is mounted; nothing of it is compared but its size. */
static bool is_place(const struct shadow_object *o)
{
	struct identity identity = shadow_object_identity(o);
	struct identity size = { .size_bytes = le64_get(o->wanted_bytes) };

	return o->buildid_bytes == SHADOW_UUID_BYTES && identity_equal(&identity, &size);
}

/* What the state says must be what the numbers say. An index records no wanted size. */
static bool check_state(const struct shadow *s, const struct shadow_object *o)
{
	bool same_size = le64_get(o->size_bytes) == le64_get(o->wanted_bytes);
	struct identity identity = shadow_object_identity(o), none = { 0 };

	switch (o->state) {
	case OBJECT_MISSING:
		return identity_equal(&identity, &none);
	case OBJECT_VALID:
		return o->buildid_bytes || same_size || s->kind == SHADOW_KIND_INDEX;
	case OBJECT_WHOLE:
		return !o->buildid_bytes && !same_size && s->kind != SHADOW_KIND_INDEX;
	case OBJECT_FILESYSTEM:
		return s->kind == SHADOW_KIND_BUNDLE && is_place(o);
	default:
		return o->state < OBJECT_STATES;
	}
}

static bool is_object_path(const struct shadow *s, const struct shadow_object *o,
			   const char *path)
{
	bool is_filesystem = s->kind == SHADOW_KIND_PLACES || o->state == OBJECT_FILESYSTEM;

	return (is_filesystem && path && strcmp(path, "/") == 0) || is_path(path);
}

/* Only where a build was, one can be of another. */
static bool check_confidence(const struct shadow_object *o)
{
	return o->confidence == 0 ||
	       (o->confidence <= 100 && o->buildid_bytes && o->state != OBJECT_WHOLE);
}

static bool check_object(const struct shadow *s, const struct shadow_object *o,
			 struct reader *strings)
{
	return is_object_path(s, o, next_string(strings, o->path)) &&
	       o->buildid_bytes <= SHADOW_BUILDID_BYTES &&
	       is_zero(o->buildid + o->buildid_bytes,
		       SHADOW_BUILDID_BYTES - o->buildid_bytes) &&
	       o->storage < STORAGE_CLASSES && check_confidence(o) &&
	       le64_get(o->wanted_bytes) <= LIMIT_FILE_BYTES && check_state(s, o) &&
	       (s->kind != SHADOW_KIND_PLACES || (o->state == OBJECT_VALID && is_place(o)));
}

static int compare_objects(const struct shadow *s, const struct shadow_object *a,
			   const struct shadow_object *b)
{
	int c = strcmp(shadow_string(s, a->path), shadow_string(s, b->path));

	if (c == 0) /* zeros behind the shorter one: it comes first */
		c = memcmp(a->buildid, b->buildid, SHADOW_BUILDID_BYTES);
	if (c == 0)
		c = (int)a->buildid_bytes - b->buildid_bytes;
	if (c == 0 && le64_get(a->wanted_bytes) != le64_get(b->wanted_bytes))
		c = le64_get(a->wanted_bytes) < le64_get(b->wanted_bytes) ? -1 : 1;
	return c;
}

/*
 * Sorted and different; in an index, which is searched by path, no path twice, nor in places,
 * where a mount point has one file system, nor where a file is known in one state only.
 */
static bool check_objects(const struct shadow *s, struct reader *strings)
{
	bool one_a_path = s->kind == SHADOW_KIND_INDEX || s->kind == SHADOW_KIND_PLACES ||
			  s->kind == SHADOW_KIND_OWN || s->kind == SHADOW_KIND_BUNDLE;

	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct shadow_object *o = &s->objects[i];

		if (!check_object(s, o, strings))
			return false;
		if (i == 0)
			continue;
		if (one_a_path ? strcmp(shadow_string(s, o[-1].path),
					shadow_string(s, o->path)) >= 0
			       : compare_objects(s, &o[-1], o) >= 0)
			return false;
	}
	return true;
}

/*
 * Follow the extents of object I: its own, ascending, disjoint, inside the file. Ascending
 * also means that no chain is a circle and no extent is met twice.
 */
static bool check_chain(const struct shadow *s, uint32_t i, uint32_t *n_met)
{
	const struct shadow_object *o = &s->objects[i];
	uint64_t size_bytes = le64_get(o->size_bytes);
	uint64_t file_pages = size_bytes / PAGE_BYTES + !!(size_bytes % PAGE_BYTES);
	uint32_t next = le32_get(o->first_extent);
	uint64_t end = 0;

	if (next != SHADOW_NONE && !shadow_object_is_usable(o))
		return false;
	while (next != SHADOW_NONE) {
		const struct shadow_extent *e;
		uint64_t first;

		if (next >= s->n_extents)
			return false;
		e = &s->extents[next];
		first = le32_get(e->first_pgno);
		if (le32_get(e->object) != i || le32_get(e->n_pages) == 0 || first < end)
			return false;
		end = first + le32_get(e->n_pages);
		if (end > file_pages || end > UINT32_MAX)
			return false;
		(*n_met)++;
		next = le32_get(e->next);
	}
	return true;
}

/* Reading order of one launch, and of places. A pack may have any: its writer knows the
 * disk.
 */
static bool is_in_order(const struct shadow_extent *a, const struct shadow_extent *b)
{
	if (le32_get(a->when) != le32_get(b->when))
		return le32_get(a->when) < le32_get(b->when);
	if (le32_get(a->object) != le32_get(b->object))
		return le32_get(a->object) < le32_get(b->object);
	return le32_get(a->first_pgno) < le32_get(b->first_pgno);
}

/* In an index: the objects that each launch depends on, each once, and nothing else. */
static bool check_dependencies(const struct shadow *s, const struct shadow_launch *l)
{
	const struct shadow_extent *e = s->extents + le32_get(l->first_extent);

	for (uint32_t i = 0; i < le32_get(l->n_extents); i++)
		if (le32_get(e[i].object) >= s->n_objects ||
		    le32_get(e[i].first_pgno) != 0 || le32_get(e[i].n_pages) != 0 ||
		    le32_get(e[i].when) != 0 || le32_get(e[i].next) != SHADOW_NONE ||
		    (i > 0 && le32_get(e[i - 1].object) >= le32_get(e[i].object)))
			return false;
	return true;
}

static bool has_no_chains(const struct shadow *s)
{
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (le32_get(s->objects[i].first_extent) != SHADOW_NONE)
			return false;
	return true;
}

static bool check_index(const struct shadow *s)
{
	for (uint32_t i = 0; i < s->n_launches; i++)
		if (!check_dependencies(s, &s->launches[i]))
			return false;
	return has_no_chains(s);
}

/* One extent inside its file, on its own: whoever takes a launch out checks what it makes. */
static bool check_loose_extent(const struct shadow *s, const struct shadow_extent *e)
{
	const struct shadow_object *o;
	uint64_t end = (uint64_t)le32_get(e->first_pgno) + le32_get(e->n_pages);

	if (le32_get(e->object) >= s->n_objects || le32_get(e->n_pages) == 0 ||
	    le32_get(e->when) > LIMIT_WHEN || le32_get(e->next) != SHADOW_NONE)
		return false;
	o = &s->objects[le32_get(e->object)];
	return shadow_object_is_usable(o) && end <= UINT32_MAX &&
	       end <= le64_get(o->size_bytes) / PAGE_BYTES +
			       !!(le64_get(o->size_bytes) % PAGE_BYTES);
}

/* In a bundle: those of each launch in reading order. */
static bool check_bundle(const struct shadow *s)
{
	for (uint32_t i = 0; i < s->n_launches; i++) {
		const struct shadow_extent *e =
			s->extents + le32_get(s->launches[i].first_extent);

		for (uint32_t k = 0; k < le32_get(s->launches[i].n_extents); k++)
			if (!check_loose_extent(s, &e[k]) ||
			    (k > 0 && !is_in_order(&e[k - 1], &e[k])))
				return false;
	}
	return has_no_chains(s);
}

/* A bucket of time, or in a pack the number of a launch; in places whether it is eager. */
static bool check_when(const struct shadow *s, const struct shadow_extent *e)
{
	if (s->kind == SHADOW_KIND_PLACES)
		return le32_get(e->when) == (e >= s->extents + s->n_eager);
	if (s->kind == SHADOW_KIND_PACK)
		return le32_get(e->when) < s->n_launches;
	return le32_get(e->when) <= LIMIT_WHEN;
}

static bool check_extents(const struct shadow *s)
{
	const struct shadow_extent *e = s->extents;
	uint32_t n_met = 0;

	if (s->kind == SHADOW_KIND_INDEX)
		return check_index(s);
	if (s->kind == SHADOW_KIND_BUNDLE)
		return check_bundle(s);
	for (uint32_t i = 0; i < s->n_extents; i++)
		if (!check_when(s, &e[i]) || (i > 0 && s->kind != SHADOW_KIND_PACK &&
					      !is_in_order(&e[i - 1], &e[i])))
			return false;
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (!check_chain(s, i, &n_met))
			return false;
	return n_met == s->n_extents;
}

static bool is_file_name(const char *s)
{
	return *s && strlen(s) <= LIMIT_FILE_NAME_BYTES && strcmp(s, "..") != 0 &&
	       !strchr(s, '/');
}

/* Whether S may come behind LAST, which is a directory's path or a name in it. */
static bool is_next_name(const char *s, const char *last)
{
	if (!is_file_name(s))
		return false;
	if (strcmp(s, SHADOW_LISTED) == 0)
		return *last == '/';
	return *last == '/' || strcmp(last, SHADOW_LISTED) == 0 || strcmp(last, s) < 0;
}

/* Of one launch. Directories ascend, so do the names in each, of which there is one at least. */
static bool check_names(struct reader *strings, uint32_t n)
{
	const char *dir = "", *last = "";

	for (uint32_t i = 0; i < n; i++) {
		const char *string = take_string(strings);

		if (!string)
			return false;
		if (*string == '/') {
			if (*last == '/' || strcmp(dir, string) >= 0 ||
			    (string[1] && !is_path(string)))
				return false;
			dir = string;
		} else if (!*last || !is_next_name(string, last)) {
			return false;
		}
		last = string;
	}
	return *last != '/';
}

/* A bundle's launches share them out in order. */
static bool check_lookups(struct shadow *s, struct reader *strings)
{
	uint32_t n_left = s->n_lookups;

	s->lookups = (const char *)strings->data + strings->used;
	if (s->kind != SHADOW_KIND_BUNDLE)
		return check_names(strings, s->n_lookups);
	for (uint32_t i = 0; i < s->n_launches; i++) {
		const struct shadow_launch *l = &s->launches[i];
		uint32_t n = le32_get(l->target);

		if (le32_get(l->source) == SHADOW_NONE && n == SHADOW_NONE)
			continue;
		if (le32_get(l->source) != strings->used || n == 0 || n > n_left ||
		    !check_names(strings, n))
			return false;
		n_left -= n;
	}
	return n_left == 0;
}

static bool check_kind(const struct shadow *s, size_t bytes)
{
	bool has_eager = s->kind == SHADOW_KIND_PACK || s->kind == SHADOW_KIND_PLACES ||
			 s->kind == SHADOW_KIND_OWN;

	if (s->n_eager > (has_eager ? s->n_extents : 0) ||
	    (s->n_lookups > 0 && s->kind != SHADOW_KIND_SHADOW &&
	     s->kind != SHADOW_KIND_BUNDLE))
		return false;
	switch ((uint32_t)s->kind) {
	case SHADOW_KIND_SHADOW:
		return s->n_launches == 1 && bytes <= LIMIT_SHADOW_BYTES;
	case SHADOW_KIND_PACK:
	case SHADOW_KIND_INDEX:
		return bytes <= LIMIT_PACK_BYTES;
	case SHADOW_KIND_PLACES:
	case SHADOW_KIND_OWN:
		return s->n_launches == 0 && bytes <= LIMIT_PACK_BYTES;
	case SHADOW_KIND_BUNDLE:
		return bytes <= LIMIT_BUNDLE_BYTES;
	default:
		return false;
	}
}

/* What stays as it is in all versions: magic, version, file_bytes and xxh3. */
static int check_envelope(const struct shadow_header *h, size_t bytes)
{
	if (memcmp(h->magic, SHADOW_MAGIC, sizeof(h->magic)) != 0 ||
	    le64_get(h->file_bytes) != bytes ||
	    le64_get(h->xxh3) !=
		    hash_without(h, bytes, offsetof(struct shadow_header, xxh3)))
		return -EBADMSG;
	return le32_get(h->version) == SHADOW_VERSION ? 0 : -ESTALE;
}

int shadow_parse(const void *data, size_t bytes, struct shadow *ret)
{
	struct reader file = { data, bytes, 0 }, strings = { 0 };
	const struct shadow_header *h;
	struct shadow s;
	int r;

	/* The limit first: hashing is the one thing done to bytes that are not known yet. */
	if (!data || bytes > LIMIT_PACK_BYTES)
		return -EBADMSG;
	h = take(&file, 1, sizeof(*h));
	if (!h)
		return -EBADMSG;
	r = check_envelope(h, bytes);
	if (r < 0)
		return r;
	s = (struct shadow){
		.kind = (enum shadow_kind)le32_get(h->kind),
		.n_launches = le32_get(h->n_launches),
		.n_objects = le32_get(h->n_objects),
		.n_extents = le32_get(h->n_extents),
		.n_eager = le32_get(h->n_eager),
		.n_lookups = le32_get(h->n_lookups),
	};
	strings.bytes = le32_get(h->strings_bytes);
	s.launches = take(&file, s.n_launches, sizeof(*s.launches));
	s.objects = s.launches ? take(&file, s.n_objects, sizeof(*s.objects)) : NULL;
	s.extents = s.objects ? take(&file, s.n_extents, sizeof(*s.extents)) : NULL;
	strings.data = s.extents ? take(&file, strings.bytes, 1) : NULL;
	if (!strings.data || file.used != bytes)
		return -EBADMSG;
	s.strings = (const char *)strings.data;
	if (!is_zero(h->reserved, sizeof(h->reserved)) || !check_kind(&s, bytes) ||
	    !check_launches(&s, &strings) || !check_objects(&s, &strings) ||
	    !check_lookups(&s, &strings) || strings.used != strings.bytes ||
	    !check_extents(&s))
		return -EBADMSG;
	*ret = s;
	return 0;
}

int shadow_parse_kind(const void *data, size_t bytes, enum shadow_kind kind,
		      struct shadow *ret)
{
	struct shadow s;
	int r = shadow_parse(data, bytes, &s);

	if (r < 0)
		return r;
	if (s.kind != kind)
		return -EBADMSG;
	*ret = s;
	return 0;
}

/* Where the first container ends, if there is room for another one behind it; else BYTES. */
static size_t first_bytes(const void *data, size_t bytes)
{
	struct shadow_header h;

	if (bytes < 2 * sizeof(h))
		return bytes;
	memcpy(&h, data, sizeof(h));
	return le64_get(h.file_bytes) <= bytes - sizeof(h) ? le64_get(h.file_bytes) : bytes;
}

int shadow_parse_launch(const void *data, size_t bytes, struct shadow *ret,
			struct shadow *ret_places)
{
	size_t first = data ? first_bytes(data, bytes) : 0;
	struct shadow s, places = { 0 };
	int r = shadow_parse_kind(data, first, SHADOW_KIND_SHADOW, &s);

	if (r == 0 && first < bytes)
		r = shadow_parse_kind((const uint8_t *)data + first, bytes - first,
				      SHADOW_KIND_PLACES, &places);
	if (r < 0)
		return r;
	*ret = s;
	*ret_places = places;
	return 0;
}

int shadow_buffer_parse(uint8_t *data, size_t bytes, enum shadow_kind kind,
			struct shadow_buffer *ret)
{
	struct shadow_buffer b = { .data = data, .bytes = bytes };
	int r = kind == SHADOW_KIND_SHADOW
			? shadow_parse_launch(data, bytes, &b.shadow, &b.places)
			: shadow_parse_kind(data, bytes, kind, &b.shadow);

	if (r < 0)
		free(data);
	else
		*ret = b;
	return r;
}

int shadow_buffer_read(int fd, size_t limit_bytes, enum shadow_kind kind,
		       struct shadow_buffer *ret)
{
	size_t bytes;
	char *data;
	int r = io_read_file(fd, limit_bytes, &data, &bytes);

	return r < 0 ? r : shadow_buffer_parse((uint8_t *)data, bytes, kind, ret);
}

void shadow_buffer_done(struct shadow_buffer *b)
{
	free(b->data);
	free(b->profile);
	*b = (struct shadow_buffer){ 0 };
}

struct buildid shadow_object_buildid(const struct shadow_object *o)
{
	struct buildid b = { .n_bytes = o->buildid_bytes };

	memcpy(b.bytes, o->buildid, sizeof(b.bytes));
	return b;
}

struct identity shadow_object_identity(const struct shadow_object *o)
{
	return (struct identity){
		.ino = le64_get(o->ino),
		.size_bytes = le64_get(o->size_bytes),
		.mtime_ns = (int64_t)le64_get(o->mtime_ns),
		.ctime_ns = (int64_t)le64_get(o->ctime_ns),
	};
}

bool shadow_object_is_usable(const struct shadow_object *o)
{
	return o->state == OBJECT_VALID || o->state == OBJECT_WHOLE ||
	       o->state == OBJECT_FILESYSTEM;
}

struct shadow shadow_slice(const struct shadow *s, uint32_t first, uint32_t end)
{
	struct shadow slice = *s;

	slice.extents += first;
	slice.n_extents = end - first;
	slice.n_eager = 0;
	return slice;
}

uint64_t shadow_count_pages(const struct shadow *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->n_extents; i++)
		n += le32_get(s->extents[i].n_pages);
	return n;
}

const char *shadow_lookups_next(struct shadow_lookups *l)
{
	const char *s;

	while (l->n_left > 0) {
		s = l->next;
		l->next += strlen(s) + 1;
		l->n_left--;
		if (*s != '/')
			return s;
		l->dir = s;
	}
	return NULL;
}

int shadow_list_lookups(const struct shadow *s, uint32_t launch, const char ***ret,
			uint32_t *ret_n)
{
	const struct shadow_launch *l = &s->launches[launch];
	const char *next = s->lookups;
	uint32_t n = s->n_lookups;

	*ret = NULL;
	*ret_n = 0;
	if (s->kind == SHADOW_KIND_BUNDLE) {
		n = le32_get(l->source) == SHADOW_NONE ? 0 : le32_get(l->target);
		next = n > 0 ? shadow_string(s, l->source) : NULL;
	}
	if (n == 0)
		return 0;
	*ret = calloc(n, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		(*ret)[i] = next;
		next += strlen(next) + 1;
	}
	*ret_n = n;
	return 0;
}
