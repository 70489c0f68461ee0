/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether what was trained in other builds can be carried over to a package's files, as each is read. */
#include <errno.h>
#include <string.h>

#include "bounds.h"
#include "check.h"
#include "elf-layout.h"
#include "retarget.h"

static bool is_of_another_build(const struct profile_object *o, const struct wanted_file *f)
{
	char path[LIMIT_PATH_BYTES + 8];

	return o->fingerprint && o->buildid.n_bytes &&
	       !buildid_equal(&o->buildid, &f->buildid) &&
	       wanted_fold(o->path, path, sizeof(path)) == 0 && strcmp(path, f->path) == 0;
}

static int carry_over(const struct profile_object *o, const struct layout *to, uint8_t *ret)
{
	_cleanup_(fingerprint_done) struct fingerprint print = { 0 };
	_cleanup_(retargeted_done) struct retargeted result = { 0 };
	int r = fingerprint_load(o->fingerprint, o->ran, &print);

	if (r == 0)
		r = retarget_pages(&print, &o->pages, o->path, to, &result);
	*ret = r == 0 && result.pages.n_runs ? (uint8_t)MAX(result.confidence, 1u)
					     : CANNOT_BE_RETARGETED;
	return r == -ENOMEM ? r : 0;
}

int check_retarget(int fd, const struct wanted_file *f, const struct profile *p,
		   uint8_t *sure)
{
	_cleanup_(layout_done) struct layout layout = { 0 };
	bool is_read = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_objects; i++) {
		if (sure[i] || !is_of_another_build(&p->objects[i], f))
			continue;
		if (!is_read)
			r = elf_read_layout(fd, &layout);
		is_read = true;
		if (r == 0)
			r = carry_over(&p->objects[i], &layout, &sure[i]);
	}
	return r == -ENOMEM ? r : 0;
}
