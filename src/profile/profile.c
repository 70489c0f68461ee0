/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json-scan has refused what is not JSON; here every type and range is checked, on the text
 * itself, so that every value knows its line and column.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bounds.h"
#include "fingerprint.h"
#include "json-read.h"
#include "json-scan.h"
#include "profile.h"
#include "utf8.h"

struct reader {
	const char *text;
	struct diag *diag;
	struct profile *profile;
	bool in_order; /* keys are read where they stand; -EAGAIN: that is not where FIELDS has them */
	size_t n_page_runs, n_lookup_names;
	char string[LIMIT_PATH_BYTES + 1]; /* what get_string() gave last */
	struct fingerprint
		print; /* of the last object that has one; nothing where it is of another version */
};

_printf_(4, 5) static int fail(struct reader *r, const struct json_value *v, int error,
			       const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->diag->message, sizeof(r->diag->message), format, ap);
	va_end(ap);
	json_position(r->text, (size_t)(v->at - r->text), r->diag);
	return error;
}

/* Keys are quoted in messages, other names are not. */
static const char *quote(const struct json_value *v)
{
	return v->key ? "'" : "";
}

static int expect_type(struct reader *r, const struct json_value *v, const char *name,
		       enum json_kind wanted)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",
		[JSON_BOOL] = "true or false",
		[JSON_FRACTION] = "a number with fraction or exponent",
		[JSON_INTEGER] = "an integer",
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
	};
	enum json_kind type = json_kind(v);

	if (type == wanted)
		return 0;
	return fail(r, v, -EINVAL, "%s%s%s must be %s, not %s", quote(v), name, quote(v),
		    names[wanted], names[type]);
}

static int get_integer(struct reader *r, const struct json_value *v, const char *name,
		       uint64_t min, uint64_t max, uint64_t *ret)
{
	int e = expect_type(r, v, name, JSON_INTEGER);
	int64_t i;

	if (e < 0)
		return e;
	i = json_integer(v);
	if (i < 0 || (uint64_t)i < min)
		return fail(r, v, -EINVAL, "%s%s%s is %" PRId64 " (at least %" PRIu64 ")",
			    quote(v), name, quote(v), i, min);
	if ((uint64_t)i > max)
		return fail(r, v, -E2BIG, "%s%s%s is %" PRId64 " (at most %" PRIu64 ")",
			    quote(v), name, quote(v), i, max);
	*ret = (uint64_t)i;
	return 0;
}

/* A string of 1 to MAX (at most LIMIT_PATH_BYTES) bytes without controls, in R->string. */
static int get_string(struct reader *r, const struct json_value *v, const char *name,
		      size_t max, size_t *ret_bytes)
{
	int e = expect_type(r, v, name, JSON_STRING);
	size_t n, plain;

	if (e < 0)
		return e;
	n = json_copy_string(v->at, v->end, r->string, sizeof(r->string));
	if (n == 0)
		return fail(r, v, -EINVAL, "'%s' is empty", name);
	if (n > max)
		return fail(r, v, -E2BIG, "'%s' has %zu bytes (at most %zu)", name, n, max);
	plain = utf8_plain(r->string, n);
	if (plain < n)
		return fail(r, v, -EINVAL, "control character 0x%02x in '%s'",
			    utf8_decode(r->string + plain,
					utf8_length(r->string + plain, n - plain)),
			    name);
	*ret_bytes = n;
	return 0;
}

/* What reads one key's value to OFFSET in TARGET. */
struct field {
	const char *key;
	bool required;
	int (*read)(struct reader *r, const struct json_value *v, const struct field *f,
		    void *target);
	size_t offset;
	uint64_t min, max;
};
enum { MAX_FIELDS = 9 }; /* of one object */

static int read_text(struct reader *r, const struct json_value *v, const struct field *f,
		     void *target)
{
	char **to = (char **)((char *)target + f->offset);
	size_t n;
	int e = get_string(r, v, f->key, f->max, &n);

	if (e < 0)
		return e;
	*to = strdup(r->string);
	return *to ? 0 : -ENOMEM;
}

static int read_path(struct reader *r, const struct json_value *v, const struct field *f,
		     void *target)
{
	const char *problem;
	int e = read_text(r, v, f, target);

	if (e < 0)
		return e;
	problem = profile_path_problem(*(char **)((char *)target + f->offset));
	return problem ? fail(r, v, -EINVAL, "'%s' %s", f->key, problem) : 0;
}

static int read_u64(struct reader *r, const struct json_value *v, const struct field *f,
		    void *target)
{
	return get_integer(r, v, f->key, f->min, f->max,
			   (uint64_t *)((char *)target + f->offset));
}

static int read_u32(struct reader *r, const struct json_value *v, const struct field *f,
		    void *target)
{
	uint64_t n = 0;
	int e = get_integer(r, v, f->key, f->min, f->max, &n);

	if (e == 0)
		*(uint32_t *)((char *)target + f->offset) = (uint32_t)n;
	return e;
}

/* The first that is tried is NEXT. */
static const struct field *find_field(const struct field *fields, size_t n_fields,
				      size_t next, const struct json_value *v)
{
	for (size_t i = 0; i < n_fields; i++, next++) {
		const struct field *f = &fields[next < n_fields ? next : next - n_fields];

		if (json_string_is(v->key, v->end, f->key))
			return f;
	}
	return NULL;
}

static int read_unknown(struct reader *r, const struct json_value *v, struct extra *extra)
{
	size_t bytes = json_text_bytes(v);
	int e;

	if (bytes > LIMIT_EXTRA_BYTES)
		return fail(r, v, -E2BIG,
			    "value of an unknown key has %zu bytes (at most %u)", bytes,
			    LIMIT_EXTRA_BYTES);
	e = extra_add(extra, v);
	return e == -EINVAL ? fail(r, v, e, "json-c refuses the value of an unknown key")
			    : e;
}

/*
 * Known keys in the order of FIELDS, then the others into EXTRA. Where that is their order in the text,
 * as elfcast writes it, nobody looks for the end of a value before he has read it.
 */
static int read_fields(struct reader *r, const struct json_value *object,
		       const struct field *fields, size_t n_fields, void *target,
		       struct extra *extra)
{
	struct json_value known[MAX_FIELDS] = { 0 }, others[LIMIT_JSON_KEYS], v;
	const struct field *f, *next = fields;
	size_t n_others = 0;
	int e = 0;

	for (bool more = json_first(object, &v); e == 0 && more; more = json_next(&v)) {
		f = find_field(fields, n_fields, (size_t)(next - fields), &v);
		*(f ? &known[f - fields] : &others[n_others++]) = v;
		if (!f || !r->in_order)
			continue;
		e = f < next ? -EAGAIN : f->read(r, &v, f, target);
		next = f + 1;
	}
	for (size_t i = 0; e == 0 && i < n_fields; i++) {
		if (known[i].at)
			e = r->in_order ? 0
					: fields[i].read(r, &known[i], &fields[i], target);
		else if (fields[i].required)
			e = fail(r, object, -EINVAL, "'%s' is missing", fields[i].key);
	}
	for (size_t i = 0; e == 0 && i < n_others; i++)
		e = read_unknown(r, &others[i], extra);
	extra_sort(extra);
	return e;
}

/* ---- objects ---- */

static int read_buildid(struct reader *r, const struct json_value *v, const struct field *f,
			void *target)
{
	struct buildid *to = (struct buildid *)((char *)target + f->offset);
	size_t n;
	int e = get_string(r, v, f->key, f->max, &n);

	if (e < 0)
		return e;
	e = buildid_from_hex(r->string, n, to);
	if (e == -E2BIG)
		return fail(r, v, e, "'%s' has %zu bytes (at most %u)", f->key, n / 2,
			    BUILDID_MAX_BYTES);
	if (n % 2)
		return fail(r, v, -EINVAL, "'%s' has an odd number of digits (%zu)", f->key,
			    n);
	n = strspn(r->string, "0123456789abcdef");
	return e < 0 ? fail(r, v, e,
			    "'%s' has byte 0x%02x, which is no lower-case "
			    "hexadecimal digit",
			    f->key, (unsigned char)r->string[n])
		     : 0;
}

/* ALGORITHM:HEX */
static bool is_digest(const char *s)
{
	size_t name = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
	size_t hex = s[name] == ':' ? strspn(s + name + 1, "0123456789abcdef") : 0;

	return name > 0 && hex > 0 && hex % 2 == 0 && s[name + 1 + hex] == 0;
}

static int read_digest(struct reader *r, const struct json_value *v, const struct field *f,
		       void *target)
{
	struct profile_object *o = target;
	int e;

	if (o->buildid.n_bytes)
		return fail(r, v, -EINVAL, "'digest' beside 'build_id'");
	e = read_text(r, v, f, target);
	if (e < 0 || is_digest(o->digest))
		return e;
	return fail(r, v, -EINVAL, "'digest' must look like 'xxh3-128:0123456789abcdef'");
}

static const struct number {
	const char *name;
	uint64_t min, max;
} numbers[] = {
	{ "first", 0, UINT32_MAX },
	{ "count", 1, UINT32_MAX },
	{ "runs", 1, LIMIT_PROFILE_RUNS },
	{ "when", 0, LIMIT_WHEN },
};

/* Most of a profile is these. False: something is wrong, which read_numbers() tells. */
static bool read_good_numbers(const struct json_value *v, uint64_t ret[4])
{
	if (*v->at != '[' || !json_counts(v, ARRAY_SIZE(numbers), ret))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (ret[i] < numbers[i].min || ret[i] > numbers[i].max)
			return false;
	return true;
}

/* The four numbers of a page run. */
static int read_numbers(struct reader *r, const struct json_value *v, uint64_t ret[4])
{
	int e = expect_type(r, v, "a page run", JSON_ARRAY);
	struct json_value n;
	bool more;

	if (e < 0)
		return e;
	if (json_count(v) != ARRAY_SIZE(numbers))
		return fail(r, v, -EINVAL, "page run of %zu numbers (must be 4)",
			    json_count(v));
	more = json_first(v, &n);
	for (size_t i = 0; e == 0 && more; i++, more = json_next(&n))
		e = get_integer(r, &n, numbers[i].name, numbers[i].min, numbers[i].max,
				&ret[i]);
	return e;
}

static int read_page_run(struct reader *r, const struct json_value *v,
			 struct profile_object *o)
{
	uint64_t file_pages = DIV_ROUND_UP(o->size_bytes, PAGE_BYTES), n[4];
	uint32_t end = pageset_end(&o->pages);
	struct page_run run;
	int e = read_good_numbers(v, n) ? 0 : read_numbers(r, v, n);

	if (e < 0)
		return e;
	if (n[0] + n[1] > file_pages)
		return fail(r, v, -EINVAL,
			    "page %" PRIu64 " is past the end (%" PRIu64 " pages)",
			    n[0] + n[1] - 1, file_pages);
	if (n[2] > r->profile->n_runs)
		return fail(r, v, -EINVAL, "needed in %" PRIu64 " runs of %u", n[2],
			    r->profile->n_runs);
	if (n[0] < end)
		return fail(r, v, -EINVAL,
			    "page run starts at %" PRIu64 ", the one before ends at %u",
			    n[0], end - 1);
	run = (struct page_run){ .first_pgno = (uint32_t)n[0],
				 .n_pages = (uint32_t)n[1],
				 .runs = (uint32_t)n[2],
				 .when = (uint32_t)n[3] };
	return pageset_append(&o->pages, &run);
}

static int read_pages(struct reader *r, const struct json_value *v, const struct field *f,
		      void *target)
{
	int e = expect_type(r, v, f->key, JSON_ARRAY);
	struct json_value run;
	size_t n = 0;

	if (e < 0)
		return e;
	for (bool more = json_first(v, &run); e == 0 && more; more = json_next(&run)) {
		if (++n > LIMIT_PROFILE_PAGE_RUNS - r->n_page_runs)
			return fail(r, v, -E2BIG, "%zu page runs up to here (at most %u)",
				    r->n_page_runs + json_count(v),
				    LIMIT_PROFILE_PAGE_RUNS);
		e = read_page_run(r, &run, target);
	}
	r->n_page_runs += n;
	return e;
}

/* Base64 needs no escapes, so that there is nothing to resolve. */
static int read_fingerprint(struct reader *r, const struct json_value *v,
			    const struct field *f, void *target)
{
	struct profile_object *o = target;
	size_t bytes = json_text_bytes(v);
	int e = expect_type(r, v, f->key, JSON_STRING);

	if (e < 0)
		return e;
	if (bytes - 2 > LIMIT_FINGERPRINT_BYTES / 3 * 4)
		return fail(r, v, -E2BIG, "'%s' has %zu bytes (at most %u)", f->key,
			    bytes - 2, LIMIT_FINGERPRINT_BYTES / 3 * 4);
	fingerprint_done(&r->print);
	e = fingerprint_read(v->at + 1, bytes - 2, &r->print);
	if (e == -EINVAL)
		return fail(r, v, e, "'%s' is damaged", f->key);
	if (e == 0 && r->print.file_bytes != o->size_bytes)
		return fail(r, v, -EINVAL, "'%s' is of a file of %" PRIu64 " bytes", f->key,
			    r->print.file_bytes);
	if (e < 0 && e != -ESTALE)
		return e;
	o->fingerprint = strndup(v->at + 1, bytes - 2);
	return o->fingerprint ? 0 : -ENOMEM;
}

/* Programs that do not know it keep it beside another fingerprint, or none: there it says nothing. */
static int read_ran(struct reader *r, const struct json_value *v, const struct field *f,
		    void *target)
{
	struct profile_object *o = target;
	size_t bytes = json_text_bytes(v);
	int e = expect_type(r, v, f->key, JSON_STRING);

	if (e < 0)
		return e;
	if (bytes - 2 > LIMIT_EXTRA_BYTES)
		return fail(r, v, -E2BIG, "'%s' has %zu bytes (at most %u)", f->key,
			    bytes - 2, LIMIT_EXTRA_BYTES);
	if (o->fingerprint && r->print.n_sections)
		e = fingerprint_read_ran(&r->print, o->fingerprint, v->at + 1, bytes - 2);
	if (e == -EINVAL)
		return fail(r, v, e, "'%s' is damaged", f->key);
	if (e < 0 || !o->fingerprint)
		return e == -ESTALE ? 0 : e;
	o->ran = strndup(v->at + 1, bytes - 2);
	return o->ran ? 0 : -ENOMEM;
}

static int read_from(struct reader *r, const struct json_value *v, const struct field *f,
		     void *target)
{
	const struct profile_object *o = target;

	if (!o->buildid.n_bytes)
		return fail(r, v, -EINVAL, "'%s' without 'build_id'", f->key);
	if (o->fingerprint)
		return fail(r, v, -EINVAL, "'%s' beside 'fingerprint'", f->key);
	return read_buildid(r, v, f, target);
}

static int read_confidence(struct reader *r, const struct json_value *v,
			   const struct field *f, void *target)
{
	const struct profile_object *o = target;

	if (!o->retargeted_from.n_bytes)
		return fail(r, v, -EINVAL, "'%s' without 'retargeted_from'", f->key);
	return read_u32(r, v, f, target);
}

static int read_object(struct reader *r, const struct json_value *v)
{
	static const struct field fields[] = {
#define AT(member) offsetof(struct profile_object, member)
		{ "path", true, read_path, AT(path), .max = LIMIT_PATH_BYTES },
		{ "build_id", false, read_buildid, AT(buildid), .max = LIMIT_PATH_BYTES },
		{ "size", true, read_u64, AT(size_bytes), 0, LIMIT_FILE_BYTES },
		{ "digest", false, read_digest, AT(digest), .max = LIMIT_DIGEST_BYTES },
		{ "pages", true, read_pages },
		{ "fingerprint", false, read_fingerprint }, /* held against the size */
		{ "ran", false, read_ran },		    /* and that against this */
		{ "retargeted_from", false, read_from, AT(retargeted_from),
		  .max = LIMIT_PATH_BYTES },
		{ "confidence", false, read_confidence, AT(confidence), 0, 100 },
#undef AT
	};
	struct profile_object *o;
	int e = expect_type(r, v, "an object", JSON_OBJECT);

	if (e < 0)
		return e;
	o = profile_add_object(r->profile);
	if (!o)
		return -ENOMEM;
	_Static_assert(ARRAY_SIZE(fields) <= MAX_FIELDS, "all of them");
	return read_fields(r, v, fields, ARRAY_SIZE(fields), o, &o->extra);
}

/* Equal ones in the order of the text. */
static int compare_object_pointers(const void *a, const void *b)
{
	const struct profile_object *x = *(const struct profile_object *const *)a;
	const struct profile_object *y = *(const struct profile_object *const *)b;
	int c = profile_object_compare(x, y);

	return c ? c : x < y ? -1 : x > y;
}

static struct json_value nth(const struct json_value *list, size_t n)
{
	struct json_value v;

	for (bool more = json_first(list, &v); more && n > 0; more = json_next(&v))
		n--;
	return v;
}

/* Objects are still in the order of the text; name the second of two equal ones. */
static int refuse_equal_objects(struct reader *r, const struct json_value *list)
{
	const struct profile *p = r->profile;
	_cleanup_free_ const struct profile_object **sorted = NULL;
	struct json_value a, b;
	struct diag first;

	sorted = calloc(p->n_objects + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_objects; i++)
		sorted[i] = &p->objects[i];
	qsort(sorted, p->n_objects, sizeof(*sorted), compare_object_pointers);
	for (size_t i = 1; i < p->n_objects; i++) {
		if (profile_object_compare(sorted[i - 1], sorted[i]) != 0)
			continue;
		a = nth(list, (size_t)(sorted[i - 1] - p->objects));
		b = nth(list, (size_t)(sorted[i] - p->objects));
		json_position(r->text, (size_t)(a.at - r->text), &first);
		return fail(r, &b, -EINVAL, "same object as at line %u, column %u",
			    first.line, first.column);
	}
	return 0;
}

static int read_objects(struct reader *r, const struct json_value *v, const struct field *f,
			void *target)
{
	int e = expect_type(r, v, f->key, JSON_ARRAY);
	struct json_value object;

	(void)target;
	if (e < 0)
		return e;
	for (bool more = json_first(v, &object); e == 0 && more;
	     more = json_next(&object)) {
		if (r->profile->n_objects == LIMIT_PROFILE_OBJECTS)
			return fail(r, v, -E2BIG, "%zu objects (at most %u)", json_count(v),
				    LIMIT_PROFILE_OBJECTS);
		e = read_object(r, &object);
	}
	return e < 0 ? e : refuse_equal_objects(r, v);
}

/* ---- lookups ---- */

static int read_runs(struct reader *r, const struct json_value *v, const char *name,
		     uint64_t min, uint32_t *ret)
{
	uint64_t n = 0;
	int e = get_integer(r, v, name, min, LIMIT_PROFILE_RUNS, &n);

	if (e < 0)
		return e;
	if (n > profile_runs_with_lookups(r->profile))
		return fail(r, v, -EINVAL, "looked at in %" PRIu64 " runs of %u", n,
			    profile_runs_with_lookups(r->profile));
	*ret = (uint32_t)n;
	return 0;
}

static int read_name(struct reader *r, const struct json_value *v, uint32_t runs,
		     struct lookup_dir *d)
{
	const char *problem;
	size_t n;
	int e = get_string(r, v, "name", LIMIT_FILE_NAME_BYTES, &n);

	if (e < 0)
		return e;
	problem = lookup_name_problem(r->string);
	if (problem)
		return fail(r, v, -EINVAL, "'name' %s", problem);
	return lookup_dir_add(d, r->string, n, runs);
}

/* [runs, name, ...] */
static int read_names(struct reader *r, const struct json_value *v, struct lookup_dir *d)
{
	int e = expect_type(r, v, "a group of names", JSON_ARRAY);
	struct json_value item;
	uint32_t runs = 0;

	if (e < 0)
		return e;
	if (json_count(v) < 2)
		return fail(r, v, -EINVAL, "a group of names needs runs and a name");
	r->n_lookup_names += json_count(v) - 1;
	if (r->n_lookup_names > LIMIT_LOOKUP_NAMES)
		return fail(r, v, -E2BIG, "%zu names up to here (at most %u)",
			    r->n_lookup_names, LIMIT_LOOKUP_NAMES);
	json_first(v, &item);
	e = read_runs(r, &item, "runs", 1, &runs);
	while (e == 0 && json_next(&item))
		e = read_name(r, &item, runs, d);
	return e;
}

static int read_dir_path(struct reader *r, const struct json_value *v, size_t *ret_bytes)
{
	const struct lookups *l = &r->profile->lookups;
	const char *problem;
	int e = get_string(r, v, "directory", LIMIT_PATH_BYTES, ret_bytes);

	if (e < 0)
		return e;
	problem = lookup_path_problem(r->string);
	if (problem)
		return fail(r, v, -EINVAL, "'directory' %s", problem);
	if (l->n > 0 && strcmp(l->dirs[l->n - 1].path, r->string) >= 0)
		return fail(r, v, -EINVAL, "directories are not in order");
	return 0;
}

/* [path, listed, [runs, name, ...], ...] */
static int read_lookup_dir(struct reader *r, const struct json_value *v)
{
	int e = expect_type(r, v, "a directory", JSON_ARRAY);
	struct lookup_dir *d;
	struct json_value item;
	uint32_t listed = 0;
	const char *twice;
	size_t bytes;

	if (e < 0)
		return e;
	if (json_count(v) < 2)
		return fail(r, v, -EINVAL, "a directory needs a path and a number");
	json_first(v, &item);
	e = read_dir_path(r, &item, &bytes);
	if (e < 0)
		return e;
	json_next(&item);
	e = read_runs(r, &item, "listed", 0, &listed);
	if (e < 0)
		return e;
	d = lookups_add_dir(&r->profile->lookups, r->string, bytes, listed);
	if (!d)
		return -ENOMEM;
	while (e == 0 && json_next(&item))
		e = read_names(r, &item, d);
	if (e < 0)
		return e;
	if (d->n == 0 && !listed)
		return fail(r, v, -EINVAL, "directory that was not looked at");
	twice = lookup_dir_sort(d);
	return twice ? fail(r, v, -EINVAL, "name '%.*s' is there twice",
			    (int)utf8_cut(twice, 80), twice)
		     : 0;
}

static int read_lookups(struct reader *r, const struct json_value *v, const struct field *f,
			void *target)
{
	int e = expect_type(r, v, f->key, JSON_ARRAY);
	struct json_value dir;
	size_t n;

	(void)target;
	if (e < 0)
		return e;
	n = json_count(v);
	if (n > LIMIT_LOOKUP_DIRS)
		return fail(r, v, -E2BIG, "%zu directories (at most %u)", n,
			    LIMIT_LOOKUP_DIRS);
	for (bool more = json_first(v, &dir); e == 0 && more; more = json_next(&dir))
		e = read_lookup_dir(r, &dir);
	return e;
}

/* ---- the top level ---- */

static int read_version(struct reader *r, const struct json_value *v, const struct field *f,
			void *target)
{
	int e = expect_type(r, v, f->key, JSON_INTEGER);

	(void)target;
	if (e < 0 || json_integer(v) == 1)
		return e;
	return fail(r, v, -ESTALE,
		    "version %" PRId64 " is not supported (this is version 1)",
		    json_integer(v));
}

#define AT(member) offsetof(struct profile, member)

static int read_without_lookups(struct reader *r, const struct json_value *v,
				const struct field *f, void *target)
{
	int e = read_u32(r, v, f, target);

	if (e == 0 && r->profile->n_without_lookups > r->profile->n_runs)
		return fail(r, v, -EINVAL, "'%s' is %u, of %u runs", f->key,
			    r->profile->n_without_lookups, r->profile->n_runs);
	return e;
}

static int read_trained(struct reader *r, const struct json_value *v, const struct field *f,
			void *target)
{
	static const struct field fields[] = {
		{ "runs", true, read_u32, AT(n_runs), 1, LIMIT_PROFILE_RUNS },
		{ "without_lookups", false, read_without_lookups, AT(n_without_lookups), 0,
		  LIMIT_PROFILE_RUNS },
		{ "window_ms", true, read_u32, AT(window_ms), 1, LIMIT_WINDOW_MS },
		{ "method", true, read_text, AT(method), .max = LIMIT_NAME_BYTES },
		{ "kernel", true, read_text, AT(kernel), .max = LIMIT_NAME_BYTES },
	};
	struct profile *p = target;
	int e = expect_type(r, v, f->key, JSON_OBJECT);

	return e < 0 ? e
		     : read_fields(r, v, fields, ARRAY_SIZE(fields), p, &p->trained_extra);
}

static int read_profile(struct reader *r, const struct json_value *v)
{
	static const struct field fields[] = {
		{ "elfcast", true, read_version }, /* first: the others depend on it */
		{ "program", true, read_path, AT(program), .max = LIMIT_PATH_BYTES },
		{ "scenario", false, read_text, AT(scenario), .max = LIMIT_NAME_BYTES },
		{ "arch", true, read_text, AT(arch), .max = LIMIT_NAME_BYTES },
		{ "trained", true, read_trained },
		{ "objects", true, read_objects }, /* behind trained.runs, as the next */
		{ "lookups", false, read_lookups },
	};
	struct profile *p = r->profile;
	int e = expect_type(r, v, "a profile", JSON_OBJECT);

	if (e == 0)
		e = read_fields(r, v, fields, ARRAY_SIZE(fields), p, &p->extra);
	if (e < 0)
		return e;
	if (!p->scenario)
		p->scenario = strdup("default");
	return p->scenario ? 0 : -ENOMEM;
}

static int read_text_of_profile(const char *text, size_t bytes, bool in_order,
				struct profile **ret, struct diag *diag)
{
	_cleanup_(profile_freep) struct profile *p = profile_new();
	struct reader r = {
		.text = text, .diag = diag, .in_order = in_order, .profile = p
	};
	struct json_value root = json_root(text, bytes, &(struct json_seen){ 0 });
	int e = p ? read_profile(&r, &root) : -ENOMEM;

	fingerprint_done(&r.print);
	if (e < 0)
		return e;
	profile_sort(p);
	*ret = TAKE_PTR(p);
	return 0;
}

int profile_parse(const char *text, size_t bytes, struct profile **ret, struct diag *diag)
{
	int e = json_scan(text, bytes, NULL, diag);

	if (e < 0)
		return e;
	e = read_text_of_profile(text, bytes, true, ret, diag);
	/* Of several things that are wrong, the first in the order of FIELDS is told. */
	if (e < 0 && e != -ENOMEM)
		e = read_text_of_profile(text, bytes, false, ret, diag);
	return e;
}
