/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile-shadow.h"
#include "embedded.h"
#include "facts.h"
#include "io.h"
#include "macro.h"
#include "run-embedded.h"

static int load_profile(int fd, const char *file, struct profile **ret)
{
	struct embedded e;
	struct diag d;
	int r = embedded_find(fd, &e);

	if (r == 0 && e.is_empty)
		r = -ENOENT;
	return r < 0 ? r : embedded_load(fd, &e, file, ret, &d);
}

static int compile(const struct store *s, const struct profile *p, struct mounts *mounts,
		   struct shadow_buffer *ret)
{
	_cleanup_free_ struct file_facts *facts =
		calloc(MAX(p->n_objects, 1u), sizeof(*facts));
	struct facts_context c = { .rootfd = s->rootfd,
				   .root_path = s->root_path,
				   .mounts = mounts,
				   .storage_override = -1 };
	int r;

	if (!facts)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_objects; i++)
		facts_read_object(&c, &p->objects[i], &facts[i]);
	facts_done(&c);
	r = compile_profile(p, p->program, facts, &ret->data, &ret->bytes);
	if (r == 0)
		r = shadow_parse_launch(ret->data, ret->bytes, &ret->shadow, &ret->places);
	return r;
}

/* From its text: where there was no room for a shadow beside it. */
static int load_and_compile(const struct store *s, int fd, const char *file,
			    struct mounts *mounts, struct shadow_buffer *ret)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	int r = load_profile(fd, file, &p);

	return r < 0 ? r : compile(s, p, mounts, ret);
}

int run_find_embedded(const struct store *s, const struct program_paths *program,
		      const char *scenario, struct mounts *mounts,
		      struct launch_shadows *ret)
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer b = { 0 };
	_cleanup_close_ int path_fd = io_open_path(s->rootfd, program->file, NULL);
	_cleanup_close_ int fd = path_fd < 0 ? path_fd : io_reopen_read(path_fd);
	int r;

	if (fd < 0)
		return fd;
	r = embedded_load_shadow(fd, program->file, mounts_storage(mounts, program->file),
				 &b);
	if (r == -ENOENT)
		r = load_and_compile(s, fd, program->file, mounts, &b);
	if (r == 0 && scenario && strcmp(launch_shadow_scenario(&b), scenario) != 0)
		r = -ENOENT;
	return r < 0 ? r : launch_shadows_add(ret, &b);
}
