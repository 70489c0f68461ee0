/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "json-out.h"
#include "macro.h"
#include "summary.h"
#include "vec.h"

static const char *const now_texts[] = {
	[NOW_VALID] = "valid",		 [NOW_WHOLE] = "whole",
	[NOW_CHANGED] = "changed",	 [NOW_STALE] = "stale",
	[NOW_MISSING] = "missing",	 [NOW_NOT_FILE] = "not a file",
	[NOW_UNREADABLE] = "unreadable", [NOW_OTHER] = "other build",
};

const char *now_text(enum now now)
{
	return now_texts[now];
}

bool now_is_usable(enum now now)
{
	return now == NOW_VALID || now == NOW_WHOLE;
}

static uint64_t pages_of(uint64_t bytes)
{
	return bytes / PAGE_BYTES + !!(bytes % PAGE_BYTES);
}

static enum now now_from_error(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
		return NOW_MISSING;
	case -EINVAL:
	case -ELOOP:
		return NOW_NOT_FILE;
	default:
		return NOW_UNREADABLE;
	}
}

/* A profile's object against its file, as compile would see it. */
static enum now judge_profile_object(const struct profile_object *o,
				     const struct file_facts *f)
{
	if (f->error < 0)
		return now_from_error(f->error);
	if (o->buildid.n_bytes)
		return object_is_build(o, f) ? NOW_VALID : NOW_STALE;
	if (o->size_bytes == f->identity.size_bytes)
		return NOW_VALID;
	return f->identity.size_bytes <= LIMIT_WHOLE_DATA_BYTES ? NOW_WHOLE : NOW_STALE;
}

static bool identity_is_unknown(const struct identity *i)
{
	return identity_equal(i, &(struct identity){ 0 });
}

/* A shadow's object against its file, as prefetch would see it. */
static enum now judge_shadow_object(const struct shadow_object *o,
				    const struct file_facts *f)
{
	struct identity was = shadow_object_identity(o);
	struct buildid wanted = shadow_object_buildid(o);
	bool same_size = was.size_bytes == f->identity.size_bytes;
	bool same = identity_equal(&was, &f->identity) ||
		    (was.ino == 0 && wanted.n_bytes == 0 && same_size);
	bool same_build =
		wanted.n_bytes && buildid_equal(&wanted, &f->buildid) && same_size;

	if (f->error < 0)
		return now_from_error(f->error);
	if (o->state == OBJECT_UNUSABLE && (same || identity_is_unknown(&was)))
		return NOW_UNREADABLE; /* for compile, which has no rights of root's */
	if (!shadow_object_is_usable(o))
		return same && o->state == OBJECT_STALE ? NOW_STALE : NOW_CHANGED;
	if (same || same_build)
		return o->state == OBJECT_WHOLE ? NOW_WHOLE : NOW_VALID;
	return NOW_CHANGED;
}

static bool is_same_file(const struct row *a, const struct row *b)
{
	return strcmp(a->path, b->path) == 0;
}

/* Rows come sorted by path. */
static bool has_several_builds(const struct summary *s)
{
	for (size_t i = 1; i < s->n_rows; i++)
		if (is_same_file(&s->rows[i - 1], &s->rows[i]))
			return true;
	return false;
}

/* By the build that is here or, where none of them is, by the first one. */
static bool is_told_of_already(const struct summary *s, size_t at)
{
	for (size_t i = at; i-- > 0 && is_same_file(&s->rows[i], &s->rows[at]);)
		if (now_is_usable(s->rows[i].now) || s->rows[i].now == NOW_STALE)
			return true;
	for (size_t i = at + 1; i < s->n_rows && is_same_file(&s->rows[i], &s->rows[at]);
	     i++)
		if (now_is_usable(s->rows[i].now))
			return true;
	return false;
}

/*
 * A profile of several releases names each build of a file, and libraries that only one of them has. Of
 * these, what is not here is no fault of what is.
 */
static void tell_other_builds(struct summary *s)
{
	if (!has_several_builds(s))
		return;
	for (size_t i = 0; i < s->n_rows; i++) {
		struct row *row = &s->rows[i];

		if ((row->now == NOW_STALE && is_told_of_already(s, i)) ||
		    (row->now == NOW_MISSING && strcmp(row->path, s->file) != 0))
			row->now = NOW_OTHER;
	}
}

/* A profile need not name the program's own file: it may be a link that leads nowhere here. */
static bool is_absent(const struct summary *s, struct facts_context *facts)
{
	char file[LIMIT_PATH_BYTES + 1];
	struct file_facts f;

	if (facts_follow(facts, s->file, NULL, file) < 0)
		return false;
	facts_read(facts, file, false, &f);
	return f.error < 0 && now_from_error(f.error) != NOW_UNREADABLE;
}

static void finish(struct summary *s, struct facts_context *facts)
{
	tell_other_builds(s);
	s->is_absent = is_absent(s, facts);
}

static struct row *add_row(struct summary *s)
{
	if (VEC_RESERVE_ONE(s->rows, s->n_rows, s->capacity) < 0)
		return NULL;
	s->rows[s->n_rows] = (struct row){ 0 };
	return &s->rows[s->n_rows++];
}

static int add_profile_object(struct summary *s, const struct profile_object *o,
			      struct facts_context *facts)
{
	struct row *row = add_row(s);
	struct file_facts f;

	if (!row)
		return -ENOMEM;
	facts_read_object(facts, o, &f);
	*row = (struct row){ .path = o->path,
			     .buildid = o->buildid,
			     .n_pages = pageset_count(&o->pages),
			     .file_pages = pages_of(o->size_bytes),
			     .min_runs = o->pages.n_runs ? UINT32_MAX : 0,
			     .when = LIMIT_WHEN,
			     .confidence = o->retargeted_from.n_bytes
						   ? MAX(o->confidence, 1u)
						   : 0,
			     .now = judge_profile_object(o, &f) };
	for (size_t i = 0; i < o->pages.n_runs; i++) {
		const struct page_run *run = &o->pages.runs[i];

		row->min_runs = MIN(row->min_runs, run->runs);
		row->max_runs = MAX(row->max_runs, run->runs);
		row->when = MIN(row->when, run->when);
	}
	return 0;
}

static int add_shadow_object(struct summary *s, const struct shadow *shadow,
			     const struct shadow_object *o, struct facts_context *facts)
{
	uint32_t next = le32_get(o->first_extent);
	struct row *row = add_row(s);
	struct file_facts f;

	if (!row)
		return -ENOMEM;
	facts_read(facts, shadow_string(shadow, o->path), o->buildid_bytes > 0, &f);
	*row = (struct row){ .path = shadow_string(shadow, o->path),
			     .buildid = shadow_object_buildid(o),
			     .file_pages = pages_of(le64_get(o->size_bytes)),
			     .when = LIMIT_WHEN,
			     .confidence = o->confidence,
			     .now = judge_shadow_object(o, &f) };
	for (; next != SHADOW_NONE; next = le32_get(shadow->extents[next].next)) {
		const struct shadow_extent *e = &shadow->extents[next];

		row->n_pages += le32_get(e->n_pages);
		row->when = MIN(row->when, le32_get(e->when));
	}
	return 0;
}

int summary_from_profile(const struct profile *p, struct facts_context *facts,
			 struct summary *ret)
{
	int r = 0;

	*ret = (struct summary){ .program = p->program,
				 .file = p->program,
				 .scenario = p->scenario,
				 .arch = p->arch,
				 .trained = p,
				 .n_lookup_dirs = p->lookups.n,
				 .n_lookup_listed = lookups_count_listed(&p->lookups),
				 .n_lookup_names = lookups_count(&p->lookups) };
	for (size_t i = 0; r == 0 && i < p->n_objects; i++)
		r = add_profile_object(ret, &p->objects[i], facts);
	tell_other_builds(ret);
	return r;
}

static void count_lookups(const struct shadow *shadow, struct summary *s)
{
	struct shadow_lookups l = shadow_lookups(shadow);
	const char *name, *dir = NULL;

	while ((name = shadow_lookups_next(&l))) {
		s->n_lookup_dirs += l.dir != dir;
		dir = l.dir;
		*(strcmp(name, SHADOW_LISTED) == 0 ? &s->n_lookup_listed
						   : &s->n_lookup_names) += 1;
	}
}

int summary_from_shadow(const struct shadow_buffer *l, struct facts_context *facts,
			struct summary *ret)
{
	const struct shadow *s = &l->shadow;
	int r = 0;

	*ret = (struct summary){ .program = launch_shadow_program(l),
				 .file = launch_shadow_file(l),
				 .scenario = launch_shadow_scenario(l),
				 .arch = shadow_string(s, s->launches[0].arch),
				 .profile = l->profile };
	count_lookups(s, ret);
	for (uint32_t i = 0; r == 0 && i < s->n_objects; i++)
		r = add_shadow_object(ret, s, &s->objects[i], facts);
	finish(ret, facts);
	return r;
}

void summary_done(struct summary *s)
{
	free(s->rows);
	*s = (struct summary){ 0 };
}

struct totals summary_count(const struct summary *s)
{
	struct totals t = { 0 };

	for (size_t i = 0; i < s->n_rows; i++) {
		const struct row *row = &s->rows[i];

		t.n_pages += row->n_pages;
		if (row->now == NOW_OTHER)
			continue;
		t.n_objects++;
		t.n_changed += row->now == NOW_CHANGED;
		t.n_unreadable += row->now == NOW_UNREADABLE;
		t.n_changed_elf += row->now == NOW_CHANGED && row->buildid.n_bytes > 0;
		t.n_stale_elf += row->now == NOW_STALE && row->buildid.n_bytes > 0;
		if (!now_is_usable(row->now))
			continue;
		t.n_pages_usable += row->n_pages;
		t.n_usable++;
		t.n_retargeted += row->confidence > 0;
	}
	return t;
}

void summary_put_head(const struct summary *s)
{
	struct totals t = summary_count(s);

	json_string("kind", s->trained ? "profile" : "shadow");
	json_string("program", s->program);
	json_string("scenario", s->scenario);
	json_string("profile", s->profile);
	json_string("arch", s->arch);
	if (s->trained) {
		json_open("trained", '{');
		json_uint("runs", s->trained->n_runs);
		json_uint("window_ms", s->trained->window_ms);
		json_string("method", s->trained->method);
		json_string("kernel", s->trained->kernel);
		json_close('}');
	}
	json_uint("pages", t.n_pages);
	json_uint("usable_pages", t.n_pages_usable);
	json_uint("usable_objects", t.n_usable);
}

/*
 * Stale as a whole when the program's own file is: not so a recorded boot, which is of many programs, nor a profile
 * that does not name that file.
 */
enum worth summary_judge(const struct summary *s)
{
	bool program_is_usable = false, program_is_named = false;
	size_t n_usable = 0, n_objects = 0;

	for (size_t i = 0; i < s->n_rows; i++) {
		bool usable = now_is_usable(s->rows[i].now);
		bool is_program = strcmp(s->rows[i].path, s->file) == 0;

		n_objects += s->rows[i].now != NOW_OTHER;
		n_usable += usable;
		program_is_named |= is_program;
		program_is_usable |= usable && is_program;
	}
	if (n_usable == n_objects && n_objects > 0)
		return WORTH_VALID;
	if (!program_is_named || strcmp(s->scenario, SCENARIO_BOOT) == 0)
		return n_usable > 0 ? WORTH_PARTLY_STALE : WORTH_STALE;
	return program_is_usable ? WORTH_PARTLY_STALE : WORTH_STALE;
}

const char *worth_text(enum worth worth)
{
	static const char *const texts[WORTHS] = { "valid", "partly stale", "stale" };

	return texts[worth];
}
