/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json-scan has refused what is not JSON; json-c builds the tree; here every type and range
 * is checked. Positions of errors are found by walking the text again along reader.path.
 * When memory ends, json-c 0.16 may crash, but also drop a key, an item or a part of a
 * string and report success: so trees and texts that it made are counted against each
 * other.
 */
#include <errno.h>
#include <inttypes.h>
#include <json.h>
#include <string.h>

#include "json-scan.h"
#include "bounds.h"
#include "profile-private.h"

/* ---- unknown keys ---- */

/* Add up what lies in V, which is nested at most LIMIT_JSON_DEPTH deep. */
static void count_tree(struct json_object *v, struct json_size *size)
{
	size->n_values++;
	switch (json_object_get_type(v)) {
	case json_type_null:
		size->n_nulls++;
		break;
	case json_type_double:
		/* The parser keeps the text beside the value. */
		if (json_object_get_userdata(v))
			size->n_bytes += strlen(json_object_get_userdata(v));
		break;
	case json_type_string:
		size->n_bytes += (size_t)json_object_get_string_len(v);
		break;
	case json_type_array:
		for (size_t i = 0; i < json_object_array_length(v); i++)
			count_tree(json_object_array_get_idx(v, i), size);
		break;
	case json_type_object: {
		json_object_object_foreach (v, key, member) {
			size->n_bytes += strlen(key);
			count_tree(member, size);
		}
		break;
	}
	default:
		break;
	}
}

/* Whether the tree V holds what SIZE counted in a text. */
static bool is_complete(struct json_object *v, const struct json_size *size)
{
	struct json_size tree = { 0 };

	count_tree(v, &tree);
	return tree.n_values == size->n_values && tree.n_nulls == size->n_nulls &&
	       tree.n_bytes == size->n_bytes;
}

/* Compact text of V, borrowed from it; NULL: no memory. */
static const char *value_text(struct json_object *v)
{
	const char *text = json_object_to_json_string_ext(
		v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	struct json_size size;
	struct diag unused;

	if (!text || json_scan(text, strlen(text), &size, &unused) < 0)
		return NULL;
	return is_complete(v, &size) ? text : NULL;
}

static int compare_extra_items(const void *a, const void *b)
{
	return strcmp(((const struct extra_item *)a)->key,
		      ((const struct extra_item *)b)->key);
}

int extra_list(struct json_object *extra, struct extra_item **ret, size_t *ret_n)
{
	_cleanup_free_ struct extra_item *items = NULL;
	size_t n = 0;

	if (extra) {
		items = calloc((size_t)json_object_object_length(extra) + 1,
			       sizeof(*items));
		if (!items)
			return -ENOMEM;
		json_object_object_foreach (extra, key, v) {
			items[n] =
				(struct extra_item){ .key = key, .value = value_text(v) };
			if (!items[n++].value)
				return -ENOMEM;
		}
		qsort(items, n, sizeof(*items), compare_extra_items);
	}
	*ret = TAKE_PTR(items);
	*ret_n = n;
	return 0;
}

/* V is shared, *extra made when it is not there yet. */
static int extra_set(struct json_object **extra, const char *key, struct json_object *v)
{
	if (!*extra)
		*extra = json_object_new_object();
	if (!*extra)
		return -ENOMEM;
	if (json_object_object_add(*extra, key, json_object_get(v)) == 0)
		return 0;
	json_object_put(v);
	return -ENOMEM;
}

/* Put the values of FROM into TO where they have the smaller text. */
static int extra_merge_into(struct json_object **to, struct json_object *from)
{
	struct json_object *old;
	const char *a, *b;

	if (!from)
		return 0;
	json_object_object_foreach (from, key, v) {
		if (*to && json_object_object_get_ex(*to, key, &old)) {
			a = value_text(old);
			b = value_text(v);
			if (!a || !b)
				return -ENOMEM;
			if (strcmp(a, b) <= 0)
				continue;
		}
		if (extra_set(to, key, v) < 0)
			return -ENOMEM;
	}
	return 0;
}

int extra_merge(struct json_object *a, struct json_object *b, struct json_object **ret)
{
	struct json_object *merged = NULL;
	int r;

	r = extra_merge_into(&merged, a);
	if (r == 0)
		r = extra_merge_into(&merged, b);
	if (r < 0)
		json_object_put(merged);
	else
		*ret = merged;
	return r;
}

void extra_free(struct json_object *extra)
{
	json_object_put(extra);
}

/* ---- reading ---- */

struct reader {
	const char *text;
	size_t bytes;
	struct diag *diag;
	struct json_step path[LIMIT_JSON_DEPTH]; /* to the value being looked at */
	size_t n_path;
	struct profile *profile;
	size_t n_page_runs;
};

_printf_(3, 4) static int fail(struct reader *r, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->diag->message, sizeof(r->diag->message), format, ap);
	va_end(ap);
	json_locate(r->text, r->bytes, r->path, r->n_path, r->diag);
	return error;
}

static void enter_key(struct reader *r, const char *key)
{
	r->path[r->n_path++] = (struct json_step){ .key = key };
}

static void enter_index(struct reader *r, size_t index)
{
	r->path[r->n_path++] = (struct json_step){ .index = index };
}

static void leave(struct reader *r)
{
	r->n_path--;
}

/* Keys are quoted in messages, other names are not. */
static const char *quote(const struct reader *r)
{
	return r->n_path && r->path[r->n_path - 1].key ? "'" : "";
}

static int expect_type(struct reader *r, struct json_object *v, const char *name,
		       enum json_type wanted)
{
	static const char *const names[] = {
		[json_type_null] = "null",
		[json_type_boolean] = "true or false",
		[json_type_double] = "a number with fraction or exponent",
		[json_type_int] = "an integer",
		[json_type_object] = "an object",
		[json_type_array] = "an array",
		[json_type_string] = "a string",
	};
	enum json_type type = json_object_get_type(v);

	if (type == wanted)
		return 0;
	return fail(r, -EINVAL, "%s%s%s must be %s, not %s", quote(r), name, quote(r),
		    names[wanted], names[type]);
}

static int get_integer(struct reader *r, struct json_object *v, const char *name,
		       uint64_t min, uint64_t max, uint64_t *ret)
{
	int e = expect_type(r, v, name, json_type_int);
	int64_t i;

	if (e < 0)
		return e;
	i = json_object_get_int64(v);
	if (i < 0 || (uint64_t)i < min)
		return fail(r, -EINVAL, "%s%s%s is %" PRId64 " (at least %" PRIu64 ")",
			    quote(r), name, quote(r), i, min);
	if ((uint64_t)i > max)
		return fail(r, -E2BIG, "%s%s%s is %" PRId64 " (at most %" PRIu64 ")",
			    quote(r), name, quote(r), i, max);
	*ret = (uint64_t)i;
	return 0;
}

/* A string of 1 to MAX bytes without control characters, borrowed from V. */
static int get_string(struct reader *r, struct json_object *v, const char *name, size_t max,
		      const char **ret, size_t *ret_bytes)
{
	int e = expect_type(r, v, name, json_type_string);
	const char *s;
	size_t n;

	if (e < 0)
		return e;
	s = json_object_get_string(v);
	n = (size_t)json_object_get_string_len(v);
	if (n == 0)
		return fail(r, -EINVAL, "'%s' is empty", name);
	if (n > max)
		return fail(r, -E2BIG, "'%s' has %zu bytes (at most %zu)", name, n, max);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return fail(r, -EINVAL, "control character 0x%02x in '%s'",
				    (unsigned)s[i], name);
	*ret = s;
	*ret_bytes = n;
	return 0;
}

/* What reads one key's value to OFFSET in TARGET. */
struct field {
	const char *key;
	bool required;
	int (*read)(struct reader *r, struct json_object *v, const struct field *f,
		    void *target);
	size_t offset;
	uint64_t min, max;
};

static int read_text(struct reader *r, struct json_object *v, const struct field *f,
		     void *target)
{
	char **to = (char **)((char *)target + f->offset);
	const char *s;
	size_t n;
	int e = get_string(r, v, f->key, f->max, &s, &n);

	if (e < 0)
		return e;
	*to = strdup(s);
	return *to ? 0 : -ENOMEM;
}

static int read_path(struct reader *r, struct json_object *v, const struct field *f,
		     void *target)
{
	const char *problem;
	int e = read_text(r, v, f, target);

	if (e < 0)
		return e;
	problem = profile_path_problem(*(char **)((char *)target + f->offset));
	return problem ? fail(r, -EINVAL, "'%s' %s", f->key, problem) : 0;
}

static int read_u64(struct reader *r, struct json_object *v, const struct field *f,
		    void *target)
{
	return get_integer(r, v, f->key, f->min, f->max,
			   (uint64_t *)((char *)target + f->offset));
}

static int read_u32(struct reader *r, struct json_object *v, const struct field *f,
		    void *target)
{
	uint64_t n = 0;
	int e = get_integer(r, v, f->key, f->min, f->max, &n);

	if (e == 0)
		*(uint32_t *)((char *)target + f->offset) = (uint32_t)n;
	return e;
}

static bool is_known(const struct field *fields, size_t n_fields, const char *key)
{
	for (size_t i = 0; i < n_fields; i++)
		if (strcmp(fields[i].key, key) == 0)
			return true;
	return false;
}

/* Known keys in the order of FIELDS, then the others into *EXTRA. */
static int read_fields(struct reader *r, struct json_object *o, const struct field *fields,
		       size_t n_fields, void *target, struct json_object **extra)
{
	struct json_object *v;
	int e;

	for (size_t i = 0; i < n_fields; i++) {
		if (!json_object_object_get_ex(o, fields[i].key, &v)) {
			if (fields[i].required)
				return fail(r, -EINVAL, "'%s' is missing", fields[i].key);
			continue;
		}
		enter_key(r, fields[i].key);
		e = fields[i].read(r, v, &fields[i], target);
		if (e < 0)
			return e;
		leave(r);
	}
	json_object_object_foreach (o, key, value)
		if (!is_known(fields, n_fields, key) && extra_set(extra, key, value) < 0)
			return -ENOMEM;
	return 0;
}

/* ---- objects ---- */

static int read_buildid(struct reader *r, struct json_object *v, const struct field *f,
			void *target)
{
	struct profile_object *o = target;
	const char *s;
	size_t n;
	int e = get_string(r, v, f->key, f->max, &s, &n);

	if (e < 0)
		return e;
	e = buildid_from_hex(s, n, &o->buildid);
	if (e == -E2BIG)
		return fail(r, e, "'build_id' has %zu bytes (at most %u)", n / 2,
			    BUILDID_MAX_BYTES);
	if (n % 2)
		return fail(r, -EINVAL, "'build_id' has an odd number of digits (%zu)", n);
	n = strspn(s, "0123456789abcdef");
	return e < 0 ? fail(r, e,
			    "'build_id' has byte 0x%02x, which is no lower-case "
			    "hexadecimal digit",
			    (unsigned char)s[n])
		     : 0;
}

/* ALGORITHM:HEX */
static bool is_digest(const char *s)
{
	size_t name = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
	size_t hex = s[name] == ':' ? strspn(s + name + 1, "0123456789abcdef") : 0;

	return name > 0 && hex > 0 && hex % 2 == 0 && s[name + 1 + hex] == 0;
}

static int read_digest(struct reader *r, struct json_object *v, const struct field *f,
		       void *target)
{
	struct profile_object *o = target;
	int e;

	if (o->buildid.n_bytes)
		return fail(r, -EINVAL, "'digest' beside 'build_id'");
	e = read_text(r, v, f, target);
	if (e < 0 || is_digest(o->digest))
		return e;
	return fail(r, -EINVAL, "'digest' must look like 'xxh3-128:0123456789abcdef'");
}

/* The four numbers of a page run. */
static int read_numbers(struct reader *r, struct json_object *v, uint64_t ret[4])
{
	static const struct {
		const char *name;
		uint64_t min, max;
	} numbers[] = {
		{ "first", 0, UINT32_MAX },
		{ "count", 1, UINT32_MAX },
		{ "runs", 1, LIMIT_PROFILE_RUNS },
		{ "when", 0, LIMIT_WHEN },
	};
	int e = expect_type(r, v, "a page run", json_type_array);

	if (e < 0)
		return e;
	if (json_object_array_length(v) != ARRAY_SIZE(numbers))
		return fail(r, -EINVAL, "page run of %zu numbers (must be 4)",
			    json_object_array_length(v));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		enter_index(r, i);
		e = get_integer(r, json_object_array_get_idx(v, i), numbers[i].name,
				numbers[i].min, numbers[i].max, &ret[i]);
		if (e < 0)
			return e;
		leave(r);
	}
	return 0;
}

static int read_page_run(struct reader *r, struct json_object *v, struct profile_object *o)
{
	uint64_t file_pages = DIV_ROUND_UP(o->size_bytes, PAGE_BYTES), n[4];
	uint32_t end = pageset_end(&o->pages);
	struct page_run run;
	int e = read_numbers(r, v, n);

	if (e < 0)
		return e;
	if (n[0] + n[1] > file_pages)
		return fail(r, -EINVAL,
			    "page %" PRIu64 " is past the end (%" PRIu64 " pages)",
			    n[0] + n[1] - 1, file_pages);
	if (n[2] > r->profile->n_runs)
		return fail(r, -EINVAL, "needed in %" PRIu64 " runs of %u", n[2],
			    r->profile->n_runs);
	if (n[0] < end)
		return fail(r, -EINVAL,
			    "page run starts at %" PRIu64 ", the one before ends at %u",
			    n[0], end - 1);
	run = (struct page_run){ .first_pgno = (uint32_t)n[0],
				 .n_pages = (uint32_t)n[1],
				 .runs = (uint32_t)n[2],
				 .when = (uint32_t)n[3] };
	return pageset_append(&o->pages, &run);
}

static int read_pages(struct reader *r, struct json_object *v, const struct field *f,
		      void *target)
{
	int e = expect_type(r, v, f->key, json_type_array);
	size_t n;

	if (e < 0)
		return e;
	n = json_object_array_length(v);
	r->n_page_runs += n;
	if (r->n_page_runs > LIMIT_PROFILE_PAGE_RUNS)
		return fail(r, -E2BIG, "%zu page runs up to here (at most %u)",
			    r->n_page_runs, LIMIT_PROFILE_PAGE_RUNS);
	for (size_t i = 0; i < n; i++) {
		enter_index(r, i);
		e = read_page_run(r, json_object_array_get_idx(v, i), target);
		if (e < 0)
			return e;
		leave(r);
	}
	return 0;
}

static int read_object(struct reader *r, struct json_object *v)
{
	static const struct field fields[] = {
#define AT(member) offsetof(struct profile_object, member)
		{ "path", true, read_path, AT(path), .max = LIMIT_PATH_BYTES },
		{ "build_id", false, read_buildid, .max = LIMIT_PROFILE_BYTES },
		{ "size", true, read_u64, AT(size_bytes), 0, LIMIT_FILE_BYTES },
		{ "digest", false, read_digest, AT(digest), .max = LIMIT_DIGEST_BYTES },
		{ "pages", true, read_pages },
#undef AT
	};
	struct profile_object *o;
	int e = expect_type(r, v, "an object", json_type_object);

	if (e < 0)
		return e;
	o = profile_add_object(r->profile);
	if (!o)
		return -ENOMEM;
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

/* Objects are still in the order of the text; name the second of two equal ones. */
static int refuse_equal_objects(struct reader *r)
{
	const struct profile *p = r->profile;
	_cleanup_free_ const struct profile_object **sorted = NULL;
	const struct profile_object *a, *b;
	struct diag first;

	sorted = calloc(p->n_objects + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_objects; i++)
		sorted[i] = &p->objects[i];
	qsort(sorted, p->n_objects, sizeof(*sorted), compare_object_pointers);
	for (size_t i = 1; i < p->n_objects; i++) {
		a = sorted[i - 1];
		b = sorted[i];
		if (profile_object_compare(a, b) != 0)
			continue;
		enter_index(r, (size_t)(a - p->objects));
		json_locate(r->text, r->bytes, r->path, r->n_path, &first);
		leave(r);
		enter_index(r, (size_t)(b - p->objects));
		return fail(r, -EINVAL, "same object as at line %u, column %u", first.line,
			    first.column);
	}
	return 0;
}

static int read_objects(struct reader *r, struct json_object *v, const struct field *f,
			void *target)
{
	int e = expect_type(r, v, f->key, json_type_array);
	size_t n;

	(void)target;
	if (e < 0)
		return e;
	n = json_object_array_length(v);
	if (n > LIMIT_PROFILE_OBJECTS)
		return fail(r, -E2BIG, "%zu objects (at most %u)", n,
			    LIMIT_PROFILE_OBJECTS);
	for (size_t i = 0; i < n; i++) {
		enter_index(r, i);
		e = read_object(r, json_object_array_get_idx(v, i));
		if (e < 0)
			return e;
		leave(r);
	}
	return refuse_equal_objects(r);
}

/* ---- the top level ---- */

static int read_version(struct reader *r, struct json_object *v, const struct field *f,
			void *target)
{
	int e = expect_type(r, v, f->key, json_type_int);

	(void)target;
	if (e < 0 || json_object_get_int64(v) == 1)
		return e;
	return fail(r, -ESTALE, "version %" PRId64 " is not supported (this is version 1)",
		    json_object_get_int64(v));
}

#define AT(member) offsetof(struct profile, member)

static int read_trained(struct reader *r, struct json_object *v, const struct field *f,
			void *target)
{
	static const struct field fields[] = {
		{ "runs", true, read_u32, AT(n_runs), 1, LIMIT_PROFILE_RUNS },
		{ "window_ms", true, read_u32, AT(window_ms), 1, LIMIT_WINDOW_MS },
		{ "method", true, read_text, AT(method), .max = LIMIT_NAME_BYTES },
		{ "kernel", true, read_text, AT(kernel), .max = LIMIT_NAME_BYTES },
	};
	struct profile *p = target;
	int e = expect_type(r, v, f->key, json_type_object);

	return e < 0 ? e
		     : read_fields(r, v, fields, ARRAY_SIZE(fields), p, &p->trained_extra);
}

static int read_profile(struct reader *r, struct json_object *v)
{
	static const struct field fields[] = {
		{ "elfcast", true, read_version }, /* first: the others depend on it */
		{ "program", true, read_path, AT(program), .max = LIMIT_PATH_BYTES },
		{ "scenario", false, read_text, AT(scenario), .max = LIMIT_NAME_BYTES },
		{ "arch", true, read_text, AT(arch), .max = LIMIT_NAME_BYTES },
		{ "trained", true, read_trained },
		{ "objects", true, read_objects }, /* last: held against trained.runs */
	};
	struct profile *p = r->profile;
	int e = expect_type(r, v, "a profile", json_type_object);

	if (e == 0)
		e = read_fields(r, v, fields, ARRAY_SIZE(fields), p, &p->extra);
	if (e < 0)
		return e;
	if (!p->scenario)
		p->scenario = strdup("default");
	return p->scenario ? 0 : -ENOMEM;
}

/* New tree of a text that json_scan() has accepted; *RET is NULL for null. */
static int parse_tree(const char *text, size_t bytes, struct json_object **ret,
		      struct diag *diag)
{
	struct json_tokener *tok = json_tokener_new_ex(LIMIT_JSON_DEPTH + 1);
	enum json_tokener_error e;

	if (!tok)
		return -ENOMEM;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	*ret = json_tokener_parse_ex(tok, text, (int)bytes);
	/* "1" may go on until a NUL says that it ends. */
	if (json_tokener_get_error(tok) == json_tokener_continue)
		*ret = json_tokener_parse_ex(tok, "", 1);
	e = json_tokener_get_error(tok);
	json_tokener_free(tok);
	if (e == json_tokener_success)
		return 0;
	diag_set(diag, 0, 0, "json-c refuses it: %s", json_tokener_error_desc(e));
	return -EINVAL;
}

int profile_parse(const char *text, size_t bytes, struct profile **ret, struct diag *diag)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	struct reader r = { .text = text, .bytes = bytes, .diag = diag };
	struct json_object *tree = NULL;
	struct json_size size;
	int e = json_scan(text, bytes, &size, diag);

	if (e < 0)
		return e;
	p = profile_new();
	if (!p)
		return -ENOMEM;
	e = parse_tree(text, bytes, &tree, diag);
	if (e < 0)
		return e;
	r.profile = p;
	e = is_complete(tree, &size) ? read_profile(&r, tree) : -ENOMEM;
	json_object_put(tree);
	if (e < 0)
		return e;
	profile_sort(p);
	*ret = TAKE_PTR(p);
	return 0;
}
