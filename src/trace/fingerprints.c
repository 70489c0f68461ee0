/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a trained profile keeps of its files, once all its pages are known. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "elf-id.h"
#include "elf-layout.h"
#include "readable.h"
#include "training.h"

/* The recorded file, or an error. */
static int open_same(const struct profile_object *o)
{
	_cleanup_close_ int fd =
		open(o->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct buildid id;
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != o->size_bytes)
		return -ESTALE;
	r = elf_id_read(fd, &id);
	if (r >= 0 && !buildid_equal(&id, &o->buildid))
		r = -ESTALE;
	return r < 0 ? r : TAKE_FD(fd);
}

static int make(const struct layout *l, const struct pageset *pages,
		enum fingerprint_level level, char **ret)
{
	_cleanup_(fingerprint_done) struct fingerprint f = { 0 };
	_cleanup_free_ struct page_range *ranges =
		calloc(pages->n_runs + 1, sizeof(*ranges));
	int r;

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < pages->n_runs; i++)
		ranges[i] = (struct page_range){ pages->runs[i].first_pgno,
						 pages->runs[i].n_pages };
	r = fingerprint_make(l, ranges, pages->n_runs, level, &f);
	return r == 0 ? fingerprint_write(&f, ret) : r;
}

/* As with digests: who guesses what is in a private file would know that he is right. */
static bool is_to_have(const struct profile_object *o)
{
	return o->buildid.n_bytes && !o->fingerprint && file_is_readable_by_all(o->path);
}

static int add(struct profile_object *o, enum fingerprint_level level)
{
	_cleanup_(layout_done) struct layout layout = { 0 };
	_cleanup_close_ int fd = open_same(o);
	int r = fd < 0 ? fd : elf_read_layout(fd, &layout);

	if (r == 0)
		r = make(&layout, &o->pages, level, &o->fingerprint);
	return r == -ENOMEM || r == -EIO ? r : 0;
}

int train_add_fingerprints(struct profile *p, enum fingerprint_level level)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_objects && level != FINGERPRINT_NONE; i++)
		if (is_to_have(&p->objects[i]))
			r = add(&p->objects[i], level);
	return r;
}
