/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one canonical text of a profile: made to be read and diffed; checked at the end. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "json-scan.h"
#include "macro.h"
#include "profile.h"

/*
 * A text that grows. Own, because a stream of open_memstream() forgets that it once had no
 * memory. An error is sticky and looked at once, at the end.
 */
struct out {
	char *text;
	size_t n_bytes, capacity;
	int error;
};

static void put_bytes(struct out *f, const char *bytes, size_t n)
{
	size_t want = f->capacity ? f->capacity : 4096;
	char *text;

	if (f->error)
		return;
	if (n > LIMIT_PROFILE_BYTES || f->n_bytes + n > LIMIT_PROFILE_BYTES) {
		f->error = -E2BIG;
		return;
	}
	while (want < f->n_bytes + n + 1) /* and a NUL */
		want *= 2;
	if (want > f->capacity) {
		text = realloc(f->text, want);
		if (!text) {
			f->error = -ENOMEM;
			return;
		}
		f->text = text;
		f->capacity = want;
	}
	memcpy(f->text + f->n_bytes, bytes, n);
	f->n_bytes += n;
	f->text[f->n_bytes] = 0;
}

static void put_text(struct out *f, const char *s)
{
	put_bytes(f, s, strlen(s));
}

/* For numbers: the result must be short. */
_printf_(2, 3) static void put_format(struct out *f, const char *format, ...)
{
	char text[128];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof(text));
	put_bytes(f, text, (size_t)n);
}

static void write_string(struct out *f, const char *s)
{
	size_t n;

	put_text(f, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		n = 0; /* what needs no escape at once */
		while ((unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
			n++;
		if (n > 0) {
			put_bytes(f, s, n);
			s += n - 1;
		} else if (c < 0x20) {
			put_format(f, "\\u%04x", (unsigned)c);
		} else {
			put_format(f, "\\%c", c);
		}
	}
	put_text(f, "\"");
}

static void write_key_string(struct out *f, const char *before, const char *key,
			     const char *value)
{
	put_text(f, before);
	write_string(f, key);
	put_text(f, ": ");
	write_string(f, value);
}

/* Each after a comma and the text BEFORE. */
static void write_extra(struct out *f, const char *before, const struct extra *extra)
{
	for (size_t i = 0; i < extra->n; i++) {
		put_text(f, ",");
		put_text(f, before);
		write_string(f, extra->items[i].key);
		put_text(f, ": ");
		put_text(f, extra->items[i].value);
	}
}

static void write_pages(struct out *f, const struct pageset *pages)
{
	put_text(f, ",\n\t\t\t\"pages\": [");
	for (size_t i = 0; i < pages->n_runs; i++) {
		const struct page_run *r = &pages->runs[i];

		put_format(f,
			   "%s\n\t\t\t\t[%" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRIu32
			   "]",
			   i ? "," : "", r->first_pgno, r->n_pages, r->runs, r->when);
	}
	put_text(f, pages->n_runs ? "\n\t\t\t]" : "]");
}

static int write_object(struct out *f, const struct profile_object *o)
{
	char hex[BUILDID_HEX_BYTES];

	if (profile_path_problem(o->path))
		return -EINVAL;
	write_key_string(f, "\n\t\t{\n\t\t\t", "path", o->path);
	if (o->buildid.n_bytes) {
		buildid_to_hex(&o->buildid, hex);
		write_key_string(f, ",\n\t\t\t", "build_id", hex);
	}
	put_format(f, ",\n\t\t\t\"size\": %" PRIu64, o->size_bytes);
	if (o->digest)
		write_key_string(f, ",\n\t\t\t", "digest", o->digest);
	write_pages(f, &o->pages);
	if (o->fingerprint)
		write_key_string(f, ",\n\t\t\t", "fingerprint", o->fingerprint);
	if (o->ran)
		write_key_string(f, ",\n\t\t\t", "ran", o->ran);
	if (o->retargeted_from.n_bytes) {
		buildid_to_hex(&o->retargeted_from, hex);
		write_key_string(f, ",\n\t\t\t", "retargeted_from", hex);
		put_format(f, ",\n\t\t\t\"confidence\": %" PRIu32, o->confidence);
	}
	write_extra(f, "\n\t\t\t", &o->extra);
	put_text(f, "\n\t\t}");
	return 0;
}

static int write_objects(struct out *f, const struct profile *p)
{
	int r = 0;

	put_text(f, ",\n\t\"objects\": [");
	for (size_t i = 0; r == 0 && i < p->n_objects; i++) {
		put_text(f, i ? "," : "");
		r = write_object(f, &p->objects[i]);
	}
	put_text(f, p->n_objects ? "\n\t]" : "]");
	return r;
}

/* Groups of equal runs: those of most runs first, in each the names in order. */
static int compare_by_runs(const void *pa, const void *pb)
{
	const struct lookup_name *a = *(const struct lookup_name *const *)pa;
	const struct lookup_name *b = *(const struct lookup_name *const *)pb;

	return a->runs != b->runs ? (a->runs < b->runs) - (a->runs > b->runs)
				  : strcmp(a->name, b->name);
}

static int write_names(struct out *f, const struct lookup_dir *d)
{
	_cleanup_free_ const struct lookup_name **names =
		calloc(MAX(d->n, 1u), sizeof(*names));
	uint32_t runs = 0;

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++)
		names[i] = &d->names[i];
	qsort(names, d->n, sizeof(*names), compare_by_runs);
	for (size_t i = 0; i < d->n; i++) {
		if (lookup_name_problem(names[i]->name))
			return -EINVAL;
		if (names[i]->runs != runs)
			put_format(f, "%s, [%" PRIu32, runs ? "]" : "", names[i]->runs);
		runs = names[i]->runs;
		put_text(f, ", ");
		write_string(f, names[i]->name);
	}
	put_text(f, runs ? "]" : "");
	return 0;
}

static int write_lookups(struct out *f, const struct lookups *l)
{
	int r = 0;

	put_text(f, l->n ? ",\n\t\"lookups\": [" : "");
	for (size_t i = 0; r == 0 && i < l->n; i++) {
		const struct lookup_dir *d = &l->dirs[i];

		if (lookup_path_problem(d->path))
			return -EINVAL;
		put_text(f, i ? ",\n\t\t[" : "\n\t\t[");
		write_string(f, d->path);
		put_format(f, ", %" PRIu32, d->listed);
		r = write_names(f, d);
		put_text(f, "]");
	}
	put_text(f, l->n ? "\n\t]" : "");
	return r;
}

static void write_trained(struct out *f, const struct profile *p)
{
	put_format(f, ",\n\t\"trained\": { \"runs\": %" PRIu32, p->n_runs);
	if (p->n_without_lookups)
		put_format(f, ", \"without_lookups\": %" PRIu32, p->n_without_lookups);
	put_format(f, ", \"window_ms\": %" PRIu32, p->window_ms);
	write_key_string(f, ", ", "method", p->method);
	write_key_string(f, ", ", "kernel", p->kernel);
	write_extra(f, " ", &p->trained_extra);
	put_text(f, " }");
}

static int write_profile(struct out *f, const struct profile *p)
{
	int r;

	put_text(f, "{\n\t\"elfcast\": 1");
	write_key_string(f, ",\n\t", "program", p->program);
	write_key_string(f, ",\n\t", "scenario", p->scenario);
	write_key_string(f, ",\n\t", "arch", p->arch);
	write_trained(f, p);
	r = write_objects(f, p);
	if (r == 0)
		r = write_lookups(f, &p->lookups);
	write_extra(f, "\n\t", &p->extra);
	put_text(f, "\n}\n");
	return r;
}

static int check_limits(const struct profile *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_objects; i++)
		n += p->objects[i].pages.n_runs;
	return n > LIMIT_PROFILE_PAGE_RUNS || p->n_objects > LIMIT_PROFILE_OBJECTS ||
			       p->lookups.n > LIMIT_LOOKUP_DIRS ||
			       lookups_count(&p->lookups) > LIMIT_LOOKUP_NAMES
		       ? -E2BIG
		       : 0;
}

static int finish(const struct out *f)
{
	struct diag unused;

	/* Paths that are not UTF-8, too many unknown keys after a merge. */
	return f->error ? f->error : json_scan(f->text, f->n_bytes, NULL, &unused);
}

int profile_write(const struct profile *p, char **ret, size_t *ret_bytes)
{
	struct out f = { 0 };
	int r = check_limits(p);

	if (r == 0 && profile_path_problem(p->program))
		r = -EINVAL;
	if (r == 0)
		r = write_profile(&f, p);
	if (r == 0)
		r = finish(&f);
	if (r < 0) {
		free(f.text);
		return r;
	}
	*ret = f.text;
	*ret_bytes = f.n_bytes;
	return 0;
}
