/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "bounds.h"
#include "elf-id.h"
#include "hash.h"
#include "readable.h"
#include "search-path.h"
#include "training.h"

static int set_text(char **field, const char *text)
{
	*field = strdup(text);
	return *field ? 0 : -ENOMEM;
}

/* Neither build-id nor digest make sense of a file that is not the recorded one any more. */
static int open_recorded(const struct trace_object *o)
{
	_cleanup_close_ int fd =
		open(o->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != o->dev || st.st_ino != o->ino ||
	    (uint64_t)st.st_size != o->size_bytes)
		return -ESTALE;
	return TAKE_FD(fd);
}

/*
 * An id for ELF files; a digest for all others. A damaged ELF file counts as data: known by path
 * and size. So does a private one without a build-id: who guesses what is in it would know by its
 * id that he is right.
 */
static int identify(int fd, bool is_private, struct profile_object *ret)
{
	char digest[HASH_DIGEST_BYTES];
	int r = is_private ? buildid_read(fd, &ret->buildid)
			   : elf_id_read(fd, &ret->buildid);

	if (r >= 0 || r == -ENOMEM || r == -EIO)
		return MIN(r, 0);
	ret->buildid = (struct buildid){ 0 };
	/* By its digest, who guesses what is in a private file knows that he is right. */
	if (is_private || ret->size_bytes > LIMIT_DIGESTED_BYTES)
		return 0;
	r = hash_file(fd, digest);
	return r < 0 ? r : set_text(&ret->digest, digest);
}

static int fill_pages(const struct trace_object *o, struct pageset *ret)
{
	for (uint32_t i = 0, k; i < o->n_pages; i = k) {
		struct page_run run;
		int r;

		for (k = i + 1; k < o->n_pages && o->when[k] == o->when[i]; k++)
			;
		if (!o->when[i])
			continue;
		run = (struct page_run){
			.first_pgno = i,
			.n_pages = k - i,
			.runs = 1,
			.when = o->when[i] - 1u,
		};
		r = pageset_append(ret, &run);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_object(struct profile *p, const struct trace_object *o, bool is_private)
{
	_cleanup_close_ int fd = open_recorded(o);
	struct profile_object *object;
	int r;

	/* What can be executed only cannot be read ahead either; what changed is not known. */
	if (fd < 0)
		return fd == -ENOMEM ? fd : 0;
	object = profile_add_object(p);
	if (!object)
		return -ENOMEM;
	object->size_bytes = o->size_bytes;
	r = set_text(&object->path, o->path);
	if (r == 0)
		r = identify(fd, is_private, object);
	return r < 0 ? r : fill_pages(o, &object->pages);
}

/* Paths of objects and of directories in which something was looked up, sorted. */
struct known_paths {
	const char **paths; /* borrowed */
	size_t n;
};

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int known_paths_init(struct known_paths *k, const struct trace_result *t)
{
	k->paths = calloc(t->n_objects + t->lookups.n + 1, sizeof(*k->paths));
	if (!k->paths)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_objects; i++)
		k->paths[k->n++] = t->objects[i].path;
	for (size_t i = 0; i < t->lookups.n; i++)
		k->paths[k->n++] = t->lookups.dirs[i].path;
	qsort(k->paths, k->n, sizeof(*k->paths), compare_paths);
	return 0;
}

static void known_paths_done(struct known_paths *k)
{
	free(k->paths);
}

/* The first that is not less than PATH; NULL: all are. */
static const char *known_from(const struct known_paths *k, const char *path)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(k->paths[middle], path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < k->n ? k->paths[low] : NULL;
}

/* Whether PATH, with room for a slash behind it, is one of them or on the way to one. */
static bool is_known(const struct known_paths *k, char *path)
{
	const char *found = known_from(k, path);
	size_t n = strlen(path);

	if (found && strcmp(found, path) == 0)
		return true;
	strcpy(path + n, "/");
	found = known_from(k, path);
	return found && strncmp(found, path, n + 1) == 0;
}

static int add_name(struct lookup_dir *d, const struct known_paths *k,
		    const struct lookup_dir *from, const char *name, bool is_public)
{
	char path[LIMIT_PATH_BYTES + LIMIT_FILE_NAME_BYTES + 3];

	snprintf(path, sizeof(path), "%s/%s", from->path[1] ? from->path : "", name);
	if (is_public && !name_is_readable_by_all(path))
		return 0;
	if (is_known(k, path))
		return 0;
	return lookup_dir_add(d, name, strlen(name), 1);
}

/* What says nothing new is left out: reading objects looks up their names, too. */
static int add_lookups(struct profile *p, const struct trace_result *t, bool is_public)
{
	_cleanup_(known_paths_done) struct known_paths known = { 0 };

	if (known_paths_init(&known, t) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < t->lookups.n; i++) {
		const struct lookup_dir *from = &t->lookups.dirs[i];
		struct lookup_dir *d;

		if (is_public && !dir_is_readable_by_all(from->path))
			continue;
		d = lookups_add_dir(&p->lookups, from->path, strlen(from->path),
				    from->listed);
		if (!d)
			return -ENOMEM;
		for (size_t k = 0; k < from->n; k++)
			if (add_name(d, &known, from, from->names[k].name, is_public) < 0)
				return -ENOMEM;
		if (d->n == 0 && !d->listed)
			lookups_drop_last(&p->lookups);
	}
	return 0;
}

static int fill_head(struct profile *p, const struct train_options *o,
		     const struct trace_result *t)
{
	struct utsname u;
	int r;

	if (uname(&u) < 0)
		return -errno;
	r = set_text(&p->program, o->program);
	if (r == 0)
		r = set_text(&p->scenario, o->scenario);
	if (r == 0)
		r = set_text(&p->arch, u.machine);
	if (r == 0)
		r = set_text(&p->kernel, u.release);
	if (r == 0)
		r = set_text(&p->method, trace_method_name(t->method));
	return r;
}

int train_profile(const struct train_options *o, const struct trace_result *t,
		  struct profile **ret, unsigned *ret_n_private)
{
	_cleanup_(profile_freep) struct profile *p = profile_new();
	unsigned n_private = 0;
	int r;

	if (!p)
		return -ENOMEM;
	p->n_runs = 1;
	p->n_without_lookups = !t->has_lookups;
	p->window_ms = o->window_ms;
	r = fill_head(p, o, t);
	for (size_t i = 0; r == 0 && i < t->n_objects; i++) {
		bool is_private = !file_is_readable_by_all(t->objects[i].path);

		n_private += is_private;
		if (!is_private || !o->is_public)
			r = add_object(p, &t->objects[i], is_private);
	}
	if (r == 0)
		r = add_lookups(p, t, o->is_public);
	if (r < 0)
		return r;
	profile_sort(p);
	*ret = TAKE_PTR(p);
	*ret_n_private = n_private;
	return 0;
}

int train_find_program(const char *command, char **ret)
{
	_cleanup_free_ char *path = NULL, *dir = NULL, *canonical = NULL;
	const char *slash;
	int r = search_path_find(command, &path);

	if (r < 0)
		return r;
	slash = strrchr(path, '/');
	dir = slash ? strndup(path, (size_t)(slash + 1 - path)) : strdup(".");
	if (!dir)
		return -ENOMEM;
	canonical = realpath(dir, NULL);
	if (!canonical)
		return -errno;
	return asprintf(ret, "%s/%s", canonical[1] ? canonical : "",
			slash ? slash + 1 : path) < 0
		       ? -ENOMEM
		       : 0;
}
