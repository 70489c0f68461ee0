/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "elf-end.h"
#include "elf-id.h"
#include "elf-layout.h"
#include "log.h"
#include "retarget-job.h"
#include "retarget.h"

void retarget_target_done(struct retarget_target *t)
{
	free(t->path);
	closep(&t->fd);
}

int retarget_target_id(int fd, const struct profile_object *o, struct buildid *ret)
{
	/* What was trained as data is data, whatever it is. */
	int r = o->buildid.n_bytes ? elf_id_read(fd, ret) : buildid_read(fd, ret);

	if (r < 0)
		*ret = (struct buildid){ 0 };
	return r == -ENOMEM || r == -EIO ? r : 0;
}

/* ---- one object ---- */

/* A new object of the same pages, trained or not. NULL: no memory. */
static struct profile_object *add_object(struct retarget_job *j,
					 const struct profile_object *o,
					 const struct retarget_target *t)
{
	static const struct extra none;
	struct profile_object *to = profile_add_object(j->to);

	if (!to)
		return NULL;
	to->path = strdup(t->path);
	to->buildid = t->id;
	to->size_bytes = t->size_bytes;
	if (!to->path || extra_merge(&o->extra, &none, &to->extra) < 0)
		return NULL;
	return to;
}

static int copy_pages(const struct pageset *from, struct pageset *ret)
{
	static const struct pageset none;

	return pageset_merge(from, &none, ret);
}

/* The file that it was trained on, or a data file that looks like it. */
static int keep(struct retarget_job *j, const struct profile_object *o,
		const struct retarget_target *t)
{
	struct profile_object *to = add_object(j, o, t);
	int r = to ? copy_pages(&o->pages, &to->pages) : -ENOMEM;

	if (r == 0 && t->digest[0]) {
		to->digest = strdup(t->digest);
		r = to->digest ? 0 : -ENOMEM;
	}
	if (r == 0 && o->fingerprint) {
		to->fingerprint = strdup(o->fingerprint);
		r = to->fingerprint ? 0 : -ENOMEM;
	}
	if (r == 0 && o->ran) {
		to->ran = strdup(o->ran);
		r = to->ran ? 0 : -ENOMEM;
	}
	if (r == 0) {
		to->retargeted_from = o->retargeted_from;
		to->confidence = o->confidence;
		j->result.n_exact++;
	}
	return r;
}

/* Small files are read as a whole, whatever has changed in them. */
static int keep_whole(struct retarget_job *j, const struct profile_object *o,
		      const struct retarget_target *t)
{
	struct profile_object *to = add_object(j, o, t);
	struct page_run run = { 0, (uint32_t)DIV_ROUND_UP(t->size_bytes, PAGE_BYTES), 0,
				LIMIT_WHEN };

	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < o->pages.n_runs; i++) {
		run.runs = MAX(run.runs, o->pages.runs[i].runs);
		run.when = MIN(run.when, o->pages.runs[i].when);
	}
	j->result.n_exact++;
	return run.n_pages && run.runs ? pageset_append(&to->pages, &run) : 0;
}

int retarget_job_leave_out(struct retarget_job *j, const struct profile_object *o,
			   const char *why)
{
	log_debug("%s: left out: %s", o->path, why);
	j->result.n_left_out++;
	return 0;
}

static int add_retargeted(struct retarget_job *j, const struct profile_object *o,
			  const struct retarget_target *t, struct retargeted *r)
{
	struct profile_object *to = add_object(j, o, t);
	uint64_t n = pageset_count(&r->pages);

	if (!to)
		return -ENOMEM;
	to->pages = r->pages;
	r->pages = (struct pageset){ 0 };
	to->retargeted_from = o->buildid;
	to->confidence = r->confidence;
	j->result.confidence += r->confidence * n;
	j->result.n_pages += n;
	j->result.n_retargeted++;
	log_debug("%s: %u %% sure of %llu pages, %u %% of its code found", to->path,
		  r->confidence, (unsigned long long)n, r->coverage);
	return 0;
}

static int retarget_object(struct retarget_job *j, const struct profile_object *o,
			   const struct retarget_target *t)
{
	_cleanup_(fingerprint_done) struct fingerprint print = { 0 };
	_cleanup_(retargeted_done) struct retargeted result = { 0 };
	_cleanup_(layout_done) struct layout layout = { 0 };
	int r;

	if (!o->fingerprint)
		return retarget_job_leave_out(
			j, o, "another build, and trained without --portable");
	if (t->fd < 0)
		return retarget_job_leave_out(j, o,
					      "another build, and too large to look into");
	r = fingerprint_load(o->fingerprint, o->ran, &print);
	if (r == -ESTALE)
		return retarget_job_leave_out(j, o,
					      "its fingerprint is of another version");
	if (r == 0)
		r = elf_read_layout(t->fd, &layout);
	if (r == 0)
		r = retarget_pages(&print, &o->pages, o->path, &layout, &result);
	if (r == -ENOMEM || r == -EIO)
		return r;
	if (r < 0)
		return retarget_job_leave_out(j, o, error_text(r));
	if (result.is_foreign)
		return retarget_job_leave_out(j, o, "another program");
	if (result.pages.n_runs == 0)
		return retarget_job_leave_out(j, o, "too little is known of this build");
	return add_retargeted(j, o, t, &result);
}

/* As compile sees it: what was put behind the end makes no other file. */
static bool is_trained(const struct profile_object *o, const struct retarget_target *t)
{
	uint64_t end;

	return buildid_equal(&o->buildid, &t->id) &&
	       (o->size_bytes == t->size_bytes ||
		(t->id.n_bytes && elf_find_end(t->fd, &end) == 0 && end == o->size_bytes));
}

int retarget_job_take(struct retarget_job *j, const struct profile_object *o,
		      const struct retarget_target *t)
{
	if (is_trained(o, t))
		return keep(j, o, t);
	if (!o->buildid.n_bytes && !t->id.n_bytes &&
	    t->size_bytes <= LIMIT_WHOLE_DATA_BYTES)
		return keep_whole(j, o, t);
	if (!o->buildid.n_bytes || !t->id.n_bytes)
		return retarget_job_leave_out(j, o, "a data file of another size");
	if (o->retargeted_from.n_bytes)
		return retarget_job_leave_out(
			j, o, "it was retargeted already; take what was trained");
	return retarget_object(j, o, t);
}

/* ---- the profile ---- */

int retarget_job_begin(struct retarget_job *j, const struct profile *p, const char *program)
{
	static const struct lookups no_lookups;
	static const struct extra none;
	struct profile *to = profile_new();

	*j = (struct retarget_job){ .to = to };
	if (!to)
		return -ENOMEM;
	to->n_runs = p->n_runs;
	to->n_without_lookups = p->n_without_lookups;
	to->window_ms = p->window_ms;
	to->program = strdup(program);
	to->scenario = strdup(p->scenario);
	to->arch = strdup(p->arch);
	to->method = strdup(p->method);
	to->kernel = strdup(p->kernel);
	if (!to->program || !to->scenario || !to->arch || !to->method || !to->kernel ||
	    extra_merge(&p->extra, &none, &to->extra) < 0 ||
	    extra_merge(&p->trained_extra, &none, &to->trained_extra) < 0 ||
	    lookups_merge(&p->lookups, &no_lookups, &to->lookups) < 0)
		return -ENOMEM;
	return 0;
}

/* Of several objects that are one file now the trained one stays, or the surest. */
static void drop_doubles(struct profile *p)
{
	size_t n = 0;

	profile_sort(p);
	for (size_t i = 0; i < p->n_objects; i++) {
		struct profile_object *o = &p->objects[i], *last = &p->objects[n - !!n];
		struct profile_object worse;

		if (n == 0 || profile_object_compare(last, o) != 0) {
			worse = *o;
			*o = p->objects[n];
			p->objects[n++] = worse;
			continue;
		}
		if (last->retargeted_from.n_bytes &&
		    (!o->retargeted_from.n_bytes || o->confidence > last->confidence)) {
			worse = *last;
			*last = *o;
			*o = worse;
		}
	}
	while (p->n_objects > n)
		profile_object_done(&p->objects[--p->n_objects]);
}

int retarget_job_end(struct retarget_job *j, struct retarget_result *ret)
{
	drop_doubles(j->to);
	if (j->to->n_objects == 0)
		return -ENOENT;
	*ret = j->result;
	return profile_write(j->to, &ret->text, &ret->bytes);
}

void retarget_job_done(struct retarget_job *j)
{
	profile_free(j->to);
}
