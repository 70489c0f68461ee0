/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "bounds.h"
#include "elf.h"
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
 * Build-id of an ELF file; a digest for all others. An ELF file without a usable build-id
 * counts as data: known by path and size.
 */
static int identify(int fd, bool is_private, struct profile_object *ret)
{
	char digest[HASH_DIGEST_BYTES];
	int r = elf_read_buildid(fd, &ret->buildid);

	if (r == 0 || r == -ENOMEM || r == -EIO)
		return r;
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

static int fill_head(struct profile *p, const struct train_options *o,
		     const struct trace_result *t)
{
	static const char *const methods[] = {
		[TRACE_UFFD] = "uffd",
		[TRACE_PAGEMAP] = "pagemap",
		[TRACE_FILEMAP] = "filemap",
		[TRACE_FAULTS] = "faults",
	};
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
		r = set_text(&p->method, methods[t->method]);
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
	p->window_ms = o->window_ms;
	r = fill_head(p, o, t);
	for (size_t i = 0; r == 0 && i < t->n_objects; i++) {
		bool is_private = !file_is_readable_by_all(t->objects[i].path);

		n_private += is_private;
		if (!is_private || !o->is_public)
			r = add_object(p, &t->objects[i], is_private);
	}
	if (r < 0)
		return r;
	profile_sort(p);
	*ret = TAKE_PTR(p);
	*ret_n_private = n_private;
	return 0;
}

int train_find_program(const char *command, char **ret)
{
	_cleanup_free_ char *path = NULL;
	char *canonical;
	int r = search_path_find(command, &path);

	if (r < 0)
		return r;
	canonical = realpath(path, NULL);
	if (!canonical)
		return -errno;
	*ret = canonical;
	return 0;
}
