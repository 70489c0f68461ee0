/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "clock.h"
#include "elf-layout.h"
#include "io.h"
#include "retarget-objects.h"
#include "retarget.h"
#include "search.h"
#include "vec.h"

/* Layouts that are kept for the next profile; the parser has 256 MiB of address space. */
#define KNOWN_BYTES (32u << 20)

void retargeter_done(struct retargeter *t)
{
	for (size_t i = 0; i < t->n_known; i++) {
		free(t->known[i].path);
		layout_done(&t->known[i].layout);
	}
	free(t->known);
	evidence_done(&t->evidence);
}

static bool is_candidate(const struct profile_object *o, const struct retarget_file *f)
{
	return f->is_readable && o->buildid.n_bytes && f->buildid.n_bytes &&
	       !o->retargeted_from.n_bytes && o->pages.n_runs > 0 && !f->is_trained_build;
}

/* Its own, which is of its pages and no others, or one that many share. NULL: there is none. */
static const char *find_fingerprint(struct retargeter *t, const struct profile_object *o,
				    const char **ret_ran)
{
	*ret_ran = o->ran;
	return o->fingerprint ? o->fingerprint
			      : evidence_find(&t->evidence, &o->buildid, ret_ran);
}

/* ---- layouts ---- */

static int read_layout(const struct retargeter *t, const char *path, struct layout *ret)
{
	struct stat st;
	_cleanup_close_ int path_fd = io_open_path(t->rootfd, path, &st);
	_cleanup_close_ int fd = path_fd < 0 ? path_fd : io_reopen_read(path_fd);

	return fd < 0 ? fd : elf_read_layout(fd, ret);
}

static size_t layout_bytes(const struct layout *l)
{
	return l->sections_capacity * sizeof(*l->sections) +
	       l->units_capacity * sizeof(*l->units) + l->keys_capacity * sizeof(*l->keys) +
	       l->calls_capacity * sizeof(*l->calls) +
	       l->references_capacity * sizeof(*l->references) +
	       l->pieces_capacity * sizeof(*l->pieces);
}

/* The one that is read anew is dropped before, where that would be too much. */
static struct known_layout *find_layout(struct retargeter *t, const char *path)
{
	struct known_layout *known;

	for (size_t i = 0; i < t->n_known; i++)
		if (strcmp(t->known[i].path, path) == 0)
			return &t->known[i];
	if (t->known_bytes > KNOWN_BYTES) {
		known = &t->known[--t->n_known];
		t->known_bytes -= layout_bytes(&known->layout);
		layout_done(&known->layout);
		free(known->path);
	}
	if (VEC_RESERVE_ONE(t->known, t->n_known, t->known_capacity) < 0)
		return NULL;
	known = &t->known[t->n_known];
	*known = (struct known_layout){ .path = strdup(path) };
	if (!known->path)
		return NULL;
	t->n_known++;
	known->error = read_layout(t, path, &known->layout);
	t->known_bytes += layout_bytes(&known->layout);
	return known;
}

/* ---- objects ---- */

static int try_object(struct retargeter *t, const struct profile_object *o,
		      const char *text, const char *ran, struct retargeted *ret)
{
	_cleanup_(fingerprint_done) struct fingerprint print = { 0 };
	const struct known_layout *known;
	int r = fingerprint_load(text, ran, &print);

	if (r < 0)
		return r;
	known = find_layout(t, o->path);
	if (!known)
		return -ENOMEM;
	return known->error < 0
		       ? known->error
		       : retarget_pages(&print, &o->pages, o->path, &known->layout, ret);
}

static void apply(struct profile_object *o, const struct retarget_file *f,
		  struct retargeted *r)
{
	pageset_done(&o->pages);
	o->pages = r->pages;
	r->pages = (struct pageset){ 0 };
	free(o->fingerprint);
	free(o->ran);
	o->fingerprint = o->ran = NULL;
	if (!r->is_same) {
		o->retargeted_from = o->buildid;
		o->confidence = r->confidence;
	}
	o->buildid = f->buildid;
	o->size_bytes = f->size_bytes;
}

/* ---- releases ---- */

/*
 * A profile may know the builds of several releases, and what is needed in one of them need not be in
 * another. Which of them this is tell the builds that are there as they were trained: more than half
 * are of one release. The file of its evidence, as a bit; 0: no telling.
 */
static uint8_t find_release(struct retargeter *t, const struct profile *p,
			    const struct retarget_file *files)
{
	unsigned n = 0, best = 0, counts[EVIDENCE_FILES] = { 0 };

	for (size_t i = 0; i < p->n_objects; i++) {
		uint8_t in;

		if (!files[i].is_trained_build || !p->objects[i].buildid.n_bytes)
			continue;
		in = evidence_files(&t->evidence, &p->objects[i].buildid);
		n += in != 0;
		for (unsigned k = 0; k < EVIDENCE_FILES; k++)
			counts[k] += in >> k & 1;
	}
	for (unsigned k = 1; k < EVIDENCE_FILES; k++)
		if (counts[k] > counts[best])
			best = k;
	return counts[best] * 2 > n ? (uint8_t)(1u << best) : 0;
}

/* Whether O is known to be of other releases. */
static bool is_elsewhere(struct retargeter *t, const struct profile_object *o,
			 uint8_t release)
{
	uint8_t in = release && o->buildid.n_bytes
			     ? evidence_files(&t->evidence, &o->buildid)
			     : 0;

	return in && !(in & release);
}

/* Whether none of the objects [FIRST, END) of one path is needed in RELEASE. */
static bool is_path_elsewhere(struct retargeter *t, const struct profile *p,
			      const struct retarget_file *files, size_t first, size_t end,
			      uint8_t release)
{
	for (size_t i = first; i < end; i++) {
		const struct profile_object *o = &p->objects[i];

		if (o->buildid.n_bytes
			    ? files[i].is_trained_build || !is_elsewhere(t, o, release)
			    : !files[i].is_missing)
			return false;
	}
	return true;
}

/*
 * The objects [FIRST, END) of one path: the build that most is known of becomes the one there, where
 * RELEASE is known one of it.
 */
static bool retarget_path(struct retargeter *t, struct profile *p,
			  const struct retarget_file *files, size_t first, size_t end,
			  uint8_t release, bool *ret_deferred)
{
	_cleanup_(retargeted_done) struct retargeted best = { 0 };
	size_t best_i = end;

	for (size_t i = first; i < end; i++)
		if (!files[i].is_readable || files[i].is_trained_build)
			return false;
	for (size_t i = first; i < end; i++) {
		struct retargeted one = { 0 };
		const char *ran = NULL;
		const char *text = is_candidate(&p->objects[i], &files[i]) &&
						   !is_elsewhere(t, &p->objects[i], release)
					   ? find_fingerprint(t, &p->objects[i], &ran)
					   : NULL;

		if (!text)
			continue;
		if (clock_cpu_us() >= t->cpu_us) {
			*ret_deferred = true;
			return false;
		}
		if (try_object(t, &p->objects[i], text, ran, &one) < 0)
			continue;
		if (one.pages.n_runs && one.confidence > best.confidence) {
			retargeted_done(&best);
			best = one;
			best_i = i;
		} else {
			retargeted_done(&one);
		}
	}
	if (best_i == end)
		return false;
	apply(&p->objects[best_i], &files[best_i], &best);
	return true;
}

/* ---- the profile ---- */

static size_t end_of_path(const struct profile *p, size_t first)
{
	size_t end = first + 1;

	while (end < p->n_objects &&
	       strcmp(p->objects[end].path, p->objects[first].path) == 0)
		end++;
	return end;
}

/* What is needed in other releases only is none of this one's objects. */
static bool drop_elsewhere(struct retargeter *t, struct profile *p,
			   const struct retarget_file *files, uint8_t release)
{
	size_t n = 0;
	bool is_dropped;

	for (size_t i = 0, end; i < p->n_objects; i = end) {
		end = end_of_path(p, i);
		is_dropped = is_path_elsewhere(t, p, files, i, end, release);
		for (size_t k = i; k < end; k++)
			if (is_dropped)
				profile_object_done(&p->objects[k]);
			else
				p->objects[n++] = p->objects[k];
	}
	is_dropped = n < p->n_objects;
	p->n_objects = n;
	return is_dropped;
}

static bool is_all_trained(const struct profile *p, const struct retarget_file *files)
{
	for (size_t i = 0; i < p->n_objects; i++)
		if (!files[i].is_trained_build)
			return false;
	return true;
}

/* The first object of the file PROGRAM; the number of all where it has none, as scripts may. */
static size_t find_program(const struct profile *p, const char *program)
{
	size_t i = SEARCH_FIRST(k, p->n_objects, strcmp(p->objects[k].path, program) < 0);

	return i < p->n_objects && strcmp(p->objects[i].path, program) == 0 ? i
									    : p->n_objects;
}

/* Where no build of the program is of RELEASE, it was not trained there, and what it needs there is not known. */
static bool has_program(struct retargeter *t, const struct profile *p, size_t own,
			const struct retarget_file *files, uint8_t release)
{
	return own < p->n_objects &&
	       !is_path_elsewhere(t, p, files, own, end_of_path(p, own), release);
}

void retarget_objects(struct retargeter *t, struct profile *p, const char *program,
		      const struct retarget_file *files, bool *ret_changed,
		      bool *ret_deferred)
{
	size_t own = find_program(p, program);
	uint8_t release;

	*ret_changed = *ret_deferred = false;
	/* Nobody launches what is not installed; when it is, this is looked at again. */
	if (is_all_trained(p, files) || (own < p->n_objects && files[own].is_missing))
		return;
	release = find_release(t, p, files);
	if (release && !has_program(t, p, own, files, release))
		release = 0;
	for (size_t i = 0, end; i < p->n_objects; i = end) {
		end = end_of_path(p, i);
		*ret_changed |= retarget_path(t, p, files, i, end, release, ret_deferred);
	}
	/* FILES are of the objects where they stood: those that became others are of the release. */
	if (release)
		*ret_changed |= drop_elsewhere(t, p, files, release);
	if (*ret_changed)
		profile_sort(p);
}
