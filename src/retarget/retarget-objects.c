/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "clock.h"
#include "elf-layout.h"
#include "io.h"
#include "retarget-objects.h"
#include "retarget.h"
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
}

static bool is_candidate(const struct profile_object *o, const struct retarget_file *f)
{
	return f->is_readable && o->buildid.n_bytes && f->buildid.n_bytes &&
	       o->fingerprint && !o->retargeted_from.n_bytes && o->pages.n_runs > 0 &&
	       !f->is_trained_build;
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
		      struct retargeted *ret)
{
	_cleanup_(fingerprint_done) struct fingerprint print = { 0 };
	const struct known_layout *known;
	int r = fingerprint_read(o->fingerprint, strlen(o->fingerprint), &print);

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
	o->fingerprint = NULL;
	if (!r->is_same) {
		o->retargeted_from = o->buildid;
		o->confidence = r->confidence;
	}
	o->buildid = f->buildid;
	o->size_bytes = f->size_bytes;
}

/* The objects [FIRST, END) of one path: the build that most is known of becomes the one there. */
static bool retarget_path(struct retargeter *t, struct profile *p,
			  const struct retarget_file *files, size_t first, size_t end,
			  bool *ret_deferred)
{
	_cleanup_(retargeted_done) struct retargeted best = { 0 };
	size_t best_i = end;

	for (size_t i = first; i < end; i++)
		if (!files[i].is_readable || files[i].is_trained_build)
			return false;
	for (size_t i = first; i < end; i++) {
		struct retargeted one = { 0 };

		if (!is_candidate(&p->objects[i], &files[i]))
			continue;
		if (clock_cpu_us() >= t->cpu_us) {
			*ret_deferred = true;
			return false;
		}
		if (try_object(t, &p->objects[i], &one) < 0)
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

void retarget_objects(struct retargeter *t, struct profile *p,
		      const struct retarget_file *files, bool *ret_changed,
		      bool *ret_deferred)
{
	*ret_changed = *ret_deferred = false;
	for (size_t i = 0, end; i < p->n_objects; i = end) {
		for (end = i + 1; end < p->n_objects &&
				  strcmp(p->objects[end].path, p->objects[i].path) == 0;)
			end++;
		*ret_changed |= retarget_path(t, p, files, i, end, ret_deferred);
	}
	if (*ret_changed)
		profile_sort(p);
}
