/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mkshadow ROOT PROGRAM SCENARIO [INSTALL-NAME]: a shadow from lines on stdin, written to
 * stdout or, with a name, into the store below ROOT. One line per extent:
 *
 *   PATH FIRST-PAGE PAGES [STATE]
 *
 * Build-id (where there is one), size and identity are those of the file at PATH below ROOT
 * now; STATE is an enum object_state, 3 (valid) by default. PAGES 0: no extent.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "macro.h"
#include "shadow-write.h"
#include "store.h"

enum { MAX_ITEMS = 65536, WHEN_MAX = 127 };

static struct object_desc objects[MAX_ITEMS];
static struct extent_desc extents[MAX_ITEMS];
static uint32_t n_objects, n_extents;
static struct store store;

static void die(const char *what, int error)
{
	fprintf(stderr, "mkshadow: %s: %s\n", what, strerror(-error));
	exit(1);
}

static void describe(struct object_desc *o, const char *path, enum object_state state)
{
	_cleanup_close_ int path_fd = -1, fd = -1;
	struct stat st;

	*o = (struct object_desc){ .path = strdup(path),
				   .state = state,
				   .storage = STORAGE_FLASH };
	if (state == OBJECT_MISSING) {
		o->wanted_bytes = 4096;
		return;
	}
	path_fd = io_open_path(store.rootfd, path, &st);
	if (path_fd < 0)
		die(path, path_fd);
	fd = io_reopen_read(path_fd);
	if (fd < 0)
		die(path, fd);
	o->identity = identity_from_stat(&st);
	o->wanted_bytes = (uint64_t)st.st_size;
	if (buildid_read(fd, &o->buildid) < 0)
		o->buildid = (struct buildid){ 0 };
}

static uint32_t object_index(const char *path, enum object_state state)
{
	for (uint32_t i = n_objects; i-- > 0;)
		if (strcmp(objects[i].path, path) == 0)
			return i;
	if (n_objects == MAX_ITEMS)
		die(path, -E2BIG);
	describe(&objects[n_objects], path, state);
	return n_objects++;
}

static void read_line(const char *line)
{
	unsigned first, pages, state = OBJECT_VALID;
	char path[4096];
	uint32_t object;

	if (sscanf(line, "%4095s %u %u %u", path, &first, &pages, &state) < 3)
		die(line, -EINVAL);
	object = object_index(path, (enum object_state)state);
	if (pages == 0)
		return;
	if (n_extents == MAX_ITEMS)
		die(line, -E2BIG);
	extents[n_extents] =
		(struct extent_desc){ object, first, pages, MIN(n_extents, WHEN_MAX) };
	n_extents++;
}

static int put(const char *program, const char *name, const uint8_t *data, size_t bytes)
{
	_cleanup_free_ char *file = NULL;
	bool written;

	if (!name)
		return io_write_full(STDOUT_FILENO, data, bytes);
	file = store_shadow_name(program, name);
	return file ? store_put(&store, STORE_SHADOW, file, data, bytes, &written)
		    : -ENOMEM;
}

int main(int argc, char *argv[])
{
	struct launch_desc launch = {
		.arch = "x86_64", .name = "", .source = SHADOW_NONE, .target = SHADOW_NONE
	};
	struct shadow_desc desc = { .kind = SHADOW_KIND_SHADOW,
				    .launches = &launch,
				    .n_launches = 1,
				    .objects = objects,
				    .extents = extents };
	_cleanup_free_ uint8_t *data = NULL;
	char line[8192];
	size_t bytes;
	int r;

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: mkshadow ROOT PROGRAM SCENARIO [NAME]\n");
		return 2;
	}
	r = store_open(argv[1], false, &store);
	if (r < 0)
		die(argv[1], r);
	while (fgets(line, sizeof(line), stdin))
		read_line(line);
	launch.program = argv[2];
	launch.scenario = argv[3];
	launch.n_extents = desc.n_extents = n_extents;
	desc.n_objects = n_objects;
	r = shadow_write(&desc, &data, &bytes);
	if (r < 0)
		die("shadow_write", r);
	r = put(argv[2], argv[4], data, bytes);
	if (r < 0)
		die("cannot write", r);
	for (uint32_t i = 0; i < n_objects; i++)
		free((void *)(uintptr_t)objects[i].path);
	store_done(&store);
	return 0;
}
