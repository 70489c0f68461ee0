/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes between two processes of one program: in its own order, pages as runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "macro.h"
#include "recording-pipe.h"

struct head {
	int r;
	enum trace_method method;
	int exit_status;
	bool exited, window_ended, settled, cut, has_lookups;
	unsigned n_processes, n_unseen, n_stops, n_announced;
	uint64_t elapsed_us;
	uint64_t n_objects, n_dirs, functions_bytes;
};

struct dir_head {
	uint64_t path_bytes, n_names;
	uint32_t listed;
};

struct object_head {
	uint64_t path_bytes, dev, ino, size_bytes;
	uint32_t n_pages, n_runs;
};

struct run {
	uint32_t first, n, mark;
};

/* ---- writing ---- */

static bool next_run(const struct trace_object *o, struct run *run)
{
	uint32_t i = run->first + run->n, k;

	while (i < o->n_pages && !o->when[i])
		i++;
	for (k = i; k < o->n_pages && o->when[k] == o->when[i]; k++)
		;
	if (k > i)
		*run = (struct run){ i, k - i, o->when[i] };
	return k > i;
}

static void write_object(FILE *f, const struct trace_object *o)
{
	struct object_head head = {
		.path_bytes = strlen(o->path),
		.dev = o->dev,
		.ino = o->ino,
		.size_bytes = o->size_bytes,
		.n_pages = o->n_pages,
	};

	for (struct run run = { 0 }; next_run(o, &run);)
		head.n_runs++;
	fwrite(&head, sizeof(head), 1, f);
	fwrite(o->path, 1, head.path_bytes, f);
	for (struct run run = { 0 }; next_run(o, &run);)
		fwrite(&run, sizeof(run), 1, f);
}

/* TEXT may be NULL, which is as none. */
static void write_text(FILE *f, const char *text)
{
	uint64_t bytes = text ? strlen(text) : 0;

	fwrite(&bytes, sizeof(bytes), 1, f);
	if (bytes)
		fwrite(text, 1, bytes, f);
}

static void write_omission(FILE *f, const struct trace_omission *o)
{
	fwrite(&o->n_files, sizeof(o->n_files), 1, f);
	write_text(f, o->example);
}

static void write_dir(FILE *f, const struct lookup_dir *d)
{
	struct dir_head head = { .path_bytes = strlen(d->path),
				 .n_names = d->n,
				 .listed = d->listed };

	fwrite(&head, sizeof(head), 1, f);
	fwrite(d->path, 1, head.path_bytes, f);
	for (size_t i = 0; i < d->n; i++) {
		uint64_t bytes = strlen(d->names[i].name);

		fwrite(&bytes, sizeof(bytes), 1, f);
		fwrite(d->names[i].name, 1, bytes, f);
	}
}

int recording_write(int fd, int r, const struct trace_result *result)
{
	struct head head = { .r = r };
	FILE *f = fdopen(fd, "w");
	bool failed;

	if (!f)
		return -errno;
	if (r == 0) {
		head.method = result->method;
		head.exit_status = result->exit_status;
		head.exited = result->exited;
		head.settled = result->settled;
		head.cut = result->cut;
		head.window_ended = result->window_ended;
		head.has_lookups = result->has_lookups;
		head.n_processes = result->n_processes;
		head.n_unseen = result->n_unseen;
		head.n_stops = result->n_stops;
		head.n_announced = result->n_announced;
		head.elapsed_us = result->elapsed_us;
		head.n_objects = result->n_objects;
		head.n_dirs = result->lookups.n;
		head.functions_bytes = result->functions_bytes;
	}
	fwrite(&head, sizeof(head), 1, f);
	write_text(f, r == 0 ? result->program : NULL);
	write_text(f, r == 0 ? result->interpreted : NULL);
	write_text(f, r == 0 ? result->starts : NULL);
	write_text(f, r == 0 ? result->last_words : NULL);
	for (size_t i = 0; r == 0 && i < N_LEFT_OUT; i++)
		write_omission(f, &result->left_out[i]);
	for (size_t i = 0; i < head.n_objects; i++)
		write_object(f, &result->objects[i]);
	for (size_t i = 0; i < head.n_dirs; i++)
		write_dir(f, &result->lookups.dirs[i]);
	if (head.functions_bytes)
		fwrite(result->functions, 1, head.functions_bytes, f);
	failed = ferror(f);
	return fclose(f) != 0 || failed ? -EIO : 0;
}

/* ---- reading ---- */

struct cursor {
	const char *at;
	size_t left;
};

static bool take(struct cursor *c, void *ret, size_t bytes)
{
	if (c->left < bytes)
		return false;
	memcpy(ret, c->at, bytes);
	c->at += bytes;
	c->left -= bytes;
	return true;
}

/* New string; NULL: not there, or no memory. */
static char *take_string(struct cursor *c, uint64_t bytes)
{
	char *s;

	if (bytes > c->left)
		return NULL;
	s = malloc(bytes + 1);
	if (s) {
		take(c, s, bytes);
		s[bytes] = 0;
	}
	return s;
}

static bool take_runs(struct cursor *c, struct trace_object *o, uint32_t n_runs)
{
	struct run run;

	for (uint32_t i = 0; i < n_runs; i++) {
		if (!take(c, &run, sizeof(run)) || run.first > o->n_pages ||
		    run.n > o->n_pages - run.first)
			return false;
		memset(o->when + run.first, (int)run.mark, run.n);
	}
	return true;
}

static int take_object(struct cursor *c, struct trace_object *ret)
{
	struct object_head head;

	if (!take(c, &head, sizeof(head)))
		return -EBADMSG;
	*ret = (struct trace_object){
		.path = take_string(c, head.path_bytes),
		.dev = head.dev,
		.ino = head.ino,
		.size_bytes = head.size_bytes,
		.n_pages = head.n_pages,
		.when = calloc(head.n_pages ? head.n_pages : 1, 1),
	};
	if (!ret->path || !ret->when)
		return -ENOMEM;
	return take_runs(c, ret, head.n_runs) ? 0 : -EBADMSG;
}

/* NULL where there is none. */
static bool take_text(struct cursor *c, char **ret)
{
	uint64_t bytes;

	if (!take(c, &bytes, sizeof(bytes)))
		return false;
	if (bytes)
		*ret = take_string(c, bytes);
	return !bytes || *ret;
}

static bool take_omission(struct cursor *c, struct trace_omission *ret)
{
	return take(c, &ret->n_files, sizeof(ret->n_files)) && take_text(c, &ret->example);
}

/* Strings are used where they stand. */
static int take_dir(struct cursor *c, struct lookups *ret)
{
	struct dir_head head;
	struct lookup_dir *d;

	if (!take(c, &head, sizeof(head)) || head.path_bytes > c->left)
		return -EBADMSG;
	d = lookups_add_dir(ret, c->at, head.path_bytes, head.listed);
	if (!d)
		return -ENOMEM;
	c->at += head.path_bytes;
	c->left -= head.path_bytes;
	for (uint64_t i = 0; i < head.n_names; i++) {
		uint64_t bytes;

		if (!take(c, &bytes, sizeof(bytes)) || bytes > c->left)
			return -EBADMSG;
		if (lookup_dir_add(d, c->at, bytes, 1) < 0)
			return -ENOMEM;
		c->at += bytes;
		c->left -= bytes;
	}
	return 0;
}

static int take_all(struct cursor *c, const struct head *head, struct trace_result *ret)
{
	_cleanup_free_ char *words = NULL;
	int r = 0;

	if (!take_text(c, &ret->program) || !take_text(c, &ret->interpreted) ||
	    !take_text(c, &ret->starts) || !take_text(c, &words))
		return -EBADMSG;
	snprintf(ret->last_words, sizeof(ret->last_words), "%s", words ? words : "");
	for (size_t i = 0; i < N_LEFT_OUT; i++)
		if (!take_omission(c, &ret->left_out[i]))
			return -EBADMSG;
	if (head->n_objects > c->left)
		return -EBADMSG;
	ret->objects = calloc(MAX(head->n_objects, 1u), sizeof(ret->objects[0]));
	if (!ret->objects)
		return -ENOMEM;
	ret->objects_capacity = head->n_objects;
	while (r == 0 && ret->n_objects < head->n_objects)
		r = take_object(c, &ret->objects[ret->n_objects++]);
	for (uint64_t i = 0; r == 0 && i < head->n_dirs; i++)
		r = take_dir(c, &ret->lookups);
	if (r == 0 && head->functions_bytes) {
		ret->functions = (uint8_t *)take_string(c, head->functions_bytes);
		ret->functions_bytes = head->functions_bytes;
		r = ret->functions ? 0 : -EBADMSG;
	}
	return r;
}

int recording_parse(const void *data, size_t bytes, struct trace_result *ret)
{
	struct cursor c = { data, bytes };
	struct head head;
	int r;

	if (!take(&c, &head, sizeof(head)))
		return -EBADMSG;
	if (head.r < 0)
		return head.r;
	*ret = (struct trace_result){
		.method = head.method,
		.exit_status = head.exit_status,
		.exited = head.exited,
		.settled = head.settled,
		.cut = head.cut,
		.window_ended = head.window_ended,
		.has_lookups = head.has_lookups,
		.n_processes = head.n_processes,
		.n_unseen = head.n_unseen,
		.n_stops = head.n_stops,
		.n_announced = head.n_announced,
		.elapsed_us = head.elapsed_us,
	};
	r = take_all(&c, &head, ret);
	if (r < 0)
		trace_result_done(ret);
	return r;
}
