/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A profile's life, order and merging; text is left to profile.c and profile-write.c. */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "fingerprint.h"
#include "profile.h"
#include "utf8.h"
#include "vec.h"

struct profile *profile_new(void)
{
	return calloc(1, sizeof(struct profile));
}

void profile_object_done(struct profile_object *o)
{
	free(o->path);
	free(o->digest);
	free(o->fingerprint);
	free(o->ran);
	pageset_done(&o->pages);
	extra_done(&o->extra);
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_objects; i++)
		profile_object_done(&p->objects[i]);
	free(p->objects);
	lookups_done(&p->lookups);
	free(p->program);
	free(p->scenario);
	free(p->arch);
	free(p->method);
	free(p->kernel);
	extra_done(&p->extra);
	extra_done(&p->trained_extra);
	free(p);
}

struct profile_object *profile_add_object(struct profile *p)
{
	if (VEC_RESERVE_ONE(p->objects, p->n_objects, p->objects_capacity) < 0)
		return NULL;
	p->objects[p->n_objects] = (struct profile_object){ 0 };
	return &p->objects[p->n_objects++];
}

static int buildid_compare(const struct buildid *a, const struct buildid *b)
{
	int c = memcmp(a->bytes, b->bytes, sizeof(a->bytes));

	return c ? c : a->n_bytes - b->n_bytes;
}

int profile_object_compare(const struct profile_object *a, const struct profile_object *b)
{
	int c = strcmp(a->path, b->path);

	if (c == 0)
		c = buildid_compare(&a->buildid, &b->buildid);
	if (c == 0 && a->size_bytes != b->size_bytes)
		c = a->size_bytes < b->size_bytes ? -1 : 1;
	return c;
}

static int compare_objects(const void *a, const void *b)
{
	return profile_object_compare(a, b);
}

void profile_sort(struct profile *p)
{
	if (p->n_objects > 1)
		qsort(p->objects, p->n_objects, sizeof(p->objects[0]), compare_objects);
}

const char *profile_path_problem(const char *path)
{
	size_t n, plain;

	if (path[0] != '/')
		return "is not absolute";
	for (const char *p = path; *p; p += n) {
		p++; /* the slash */
		n = strcspn(p, "/");
		if (n == 0)
			return *p ? "has two slashes in a row" : "ends with a slash";
		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return "has a component '.' or '..'";
	}
	n = strlen(path);
	plain = utf8_plain(path, n);
	if (plain < n)
		return utf8_length(path + plain, n - plain) ? "has a control character"
							    : "is not UTF-8";
	return n > LIMIT_PATH_BYTES ? "is longer than PATH_MAX" : NULL;
}

/* ---- merging ---- */

/* A copy of the smaller text: of two that differ, some fixed one, whatever the order. */
static int merge_text(const char *a, const char *b, char **ret)
{
	if (!a && !b)
		return 0;
	*ret = strdup(!a ? b : !b || strcmp(a, b) <= 0 ? a : b);
	return *ret ? 0 : -ENOMEM;
}

/* Of two builds that it was carried over from the smaller id, and the smaller confidence. */
static void merge_origin(const struct profile_object *a, const struct profile_object *b,
			 struct profile_object *ret)
{
	const struct profile_object *one = a ? a : b, *other = b ? b : a;
	int c = buildid_compare(&one->retargeted_from, &other->retargeted_from);

	ret->retargeted_from = c <= 0 ? one->retargeted_from : other->retargeted_from;
	ret->confidence = MIN(one->confidence, other->confidence);
}

/* A and B are equal as objects, or one is NULL. */
static int merge_object(struct profile *p, const struct profile_object *a,
			const struct profile_object *b)
{
	static const struct profile_object none = { 0 };
	struct profile_object *o = profile_add_object(p);
	int r;

	if (!o)
		return -ENOMEM;
	if (a && b && !a->retargeted_from.n_bytes != !b->retargeted_from.n_bytes)
		*(a->retargeted_from.n_bytes ? &a : &b) =
			NULL; /* what was trained is known */
	o->buildid = (a ? a : b)->buildid;
	o->size_bytes = (a ? a : b)->size_bytes;
	merge_origin(a, b, o);
	a = a ? a : &none;
	b = b ? b : &none;
	r = merge_text(a->path, b->path, &o->path);
	if (r == 0)
		r = merge_text(a->digest, b->digest, &o->digest);
	if (r == 0)
		r = pageset_merge(&a->pages, &b->pages, &o->pages);
	if (r == 0)
		r = fingerprint_merge(a->fingerprint, b->fingerprint, &o->fingerprint);
	if (r == 0)
		r = fingerprint_merge_ran(a->fingerprint, a->ran, b->fingerprint, b->ran,
					  o->fingerprint, &o->ran);
	return r == 0 ? extra_merge(&a->extra, &b->extra, &o->extra) : r;
}

/* Both are sorted. */
static int merge_objects(struct profile *p, const struct profile *a,
			 const struct profile *b)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < a->n_objects || j < b->n_objects)) {
		const struct profile_object *oa = i < a->n_objects ? &a->objects[i] : NULL;
		const struct profile_object *ob = j < b->n_objects ? &b->objects[j] : NULL;
		int c = !oa ? 1 : !ob ? -1 : profile_object_compare(oa, ob);

		r = merge_object(p, c <= 0 ? oa : NULL, c >= 0 ? ob : NULL);
		i += c <= 0;
		j += c >= 0;
	}
	return r;
}

static int refuse_difference(const char *what, const char *a, const char *b,
			     struct diag *diag)
{
	if (strcmp(a, b) == 0)
		return 0;
	diag_set(diag, 0, 0, "profiles of different %s: '%.80s' and '%.80s'", what, a, b);
	return -EINVAL;
}

static int check_mergeable(const struct profile *a, const struct profile *b,
			   struct diag *diag)
{
	int r = refuse_difference("programs", a->program, b->program, diag);

	if (r == 0)
		r = refuse_difference("scenarios", a->scenario, b->scenario, diag);
	if (r == 0)
		r = refuse_difference("architectures", a->arch, b->arch, diag);
	if (r < 0)
		return r;
	if ((uint64_t)a->n_runs + b->n_runs <= LIMIT_PROFILE_RUNS)
		return 0;
	diag_set(diag, 0, 0, "%llu runs together (at most %u)",
		 (unsigned long long)a->n_runs + b->n_runs, LIMIT_PROFILE_RUNS);
	return -E2BIG;
}

static int merge_head(struct profile *p, const struct profile *a, const struct profile *b)
{
	int r = merge_text(a->program, b->program, &p->program);

	p->n_runs = a->n_runs + b->n_runs;
	p->n_without_lookups = a->n_without_lookups + b->n_without_lookups;
	p->window_ms = MAX(a->window_ms, b->window_ms);
	if (r == 0)
		r = merge_text(a->scenario, b->scenario, &p->scenario);
	if (r == 0)
		r = merge_text(a->arch, b->arch, &p->arch);
	if (r == 0)
		r = merge_text(a->method, b->method, &p->method);
	if (r == 0)
		r = merge_text(a->kernel, b->kernel, &p->kernel);
	if (r == 0)
		r = extra_merge(&a->extra, &b->extra, &p->extra);
	return r == 0 ? extra_merge(&a->trained_extra, &b->trained_extra, &p->trained_extra)
		      : r;
}

int profile_merge(const struct profile *a, const struct profile *b, struct profile **ret,
		  struct diag *diag)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	int r = check_mergeable(a, b, diag);

	if (r < 0)
		return r;
	p = profile_new();
	if (!p)
		return -ENOMEM;
	r = merge_head(p, a, b);
	if (r == 0)
		r = merge_objects(p, a, b);
	if (r == 0)
		r = lookups_merge(&a->lookups, &b->lookups, &p->lookups);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}
