/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "blockdev.h"
#include "boot-blocks.h"
#include "own-files.h"
#include "readable.h"
#include "train-own.h"

static int add(struct own_files *l, const struct trace_object *o, int sysfd)
{
	const struct own_file f = {
		.path = o->path,
		.ino = o->ino,
		.size_bytes = o->size_bytes,
		.storage = blockdev_storage(sysfd, o->dev),
		.n_pages = o->n_pages,
		.when = o->when,
	};

	return own_files_add(l, &f);
}

int train_own_put(const struct store *s, const struct trace_result *t, bool keep)
{
	_cleanup_(own_files_done) struct own_files l = { 0 };
	_cleanup_close_ int sysfd = blockdev_open_sys();
	int r = keep ? own_files_load(s, &l) : 0;

	for (size_t i = 0; r == 0 && i < t->n_changed; i++)
		r = add(&l, &t->changed[i], sysfd);
	for (size_t i = 0; r == 0 && i < t->n_objects; i++)
		if (!file_is_readable_by_all(t->objects[i].path))
			r = add(&l, &t->objects[i], sysfd);
	return r < 0 ? r : own_files_put(s, &l);
}

int train_blocks_add(const struct store *s, const struct trace_result *t)
{
	_cleanup_free_ struct boot_blocks *blocks =
		calloc(t->n_blocks + 1, sizeof(*blocks));

	if (!blocks)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_blocks; i++)
		blocks[i] =
			(struct boot_blocks){ t->blocks[i].dev, t->blocks[i].first_sector,
					      t->blocks[i].n_sectors };
	return boot_blocks_add(s, blocks, t->n_blocks);
}
