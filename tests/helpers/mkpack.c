/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mkpack ROOT [EAGER]: a boot pack from lines on stdin, written to stdout. One line per
 * extent, in reading order:
 *
 *   PATH FIRST-PAGE PAGES LAUNCH [STORAGE]
 *
 * LAUNCH is a number from 0 on; STORAGE an enum storage_class, flash by default, that of the
 * first line of a path. The first EAGER extents are the boot's own. What is known of a file is what it is now.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "macro.h"
#include "shadow-write.h"
#include "vec.h"

struct line {
	char *path;
	unsigned first, pages, launch, storage;
};

static struct line *lines;
static size_t n_lines, capacity;
static struct object_desc *objects;
static struct extent_desc *extents;
static struct launch_desc *launches;
static uint8_t *data;

static void die(const char *what, int error)
{
	fprintf(stderr, "mkpack: %s: %s\n", what, strerror(-error));
	exit(1);
}

static void read_lines(void)
{
	char text[8192], path[4096];

	while (fgets(text, sizeof(text), stdin)) {
		struct line l = { .storage = STORAGE_FLASH };

		if (sscanf(text, "%4095s %u %u %u %u", path, &l.first, &l.pages, &l.launch,
			   &l.storage) < 4)
			die(text, -EINVAL);
		l.path = strdup(path);
		if (!l.path || VEC_RESERVE_ONE(lines, n_lines, capacity) < 0)
			die("lines", -ENOMEM);
		lines[n_lines++] = l;
	}
}

static int compare_paths(const void *a, const void *b)
{
	const struct line *x = &lines[*(const uint32_t *)a],
			  *y = &lines[*(const uint32_t *)b];
	int c = strcmp(x->path, y->path);

	return c ? c : (x > y) - (x < y);
}

static void describe(int rootfd, const struct line *l, struct object_desc *ret)
{
	_cleanup_close_ int path_fd = -1, fd = -1;
	struct stat st;

	*ret = (struct object_desc){ .path = l->path,
				     .state = OBJECT_VALID,
				     .storage = (enum storage_class)l->storage };
	path_fd = io_open_path(rootfd, l->path, &st);
	fd = path_fd < 0 ? path_fd : io_reopen_read(path_fd);
	if (fd < 0)
		die(l->path, fd);
	ret->identity = identity_from_stat(&st);
	ret->wanted_bytes = (uint64_t)st.st_size;
	if (buildid_read(fd, &ret->buildid) < 0)
		ret->buildid = (struct buildid){ 0 };
}

/* Objects by path; the line that an object's number comes from keeps its place in order. */
static uint32_t make_objects(int rootfd)
{
	uint32_t *order = calloc(n_lines + 1, sizeof(*order)), n = 0;

	if (!order)
		die("objects", -ENOMEM);
	for (uint32_t i = 0; i < n_lines; i++)
		order[i] = i;
	qsort(order, n_lines, sizeof(*order), compare_paths);
	for (uint32_t i = 0; i < n_lines; i++) {
		const struct line *l = &lines[order[i]];

		if (n == 0 || strcmp(objects[n - 1].path, l->path) != 0)
			describe(rootfd, l, &objects[n++]);
		extents[order[i]] =
			(struct extent_desc){ n - 1, l->first, l->pages, l->launch };
	}
	free(order);
	return n;
}

static uint32_t make_launches(void)
{
	unsigned n = 0;
	char *name;

	for (size_t i = 0; i < n_lines; i++)
		n = MAX(n, lines[i].launch + 1);
	launches = calloc(n + 1, sizeof(*launches));
	if (!launches)
		die("launches", -ENOMEM);
	for (unsigned i = 0; i < n; i++) {
		if (asprintf(&name, "/usr/bin/program-%u", i) < 0)
			die("launches", -ENOMEM);
		launches[i] = (struct launch_desc){ .program = name,
						    .scenario = "default",
						    .arch = "x86_64",
						    .name = name + strlen("/usr/bin/"),
						    .source = SHADOW_NONE,
						    .target = SHADOW_NONE };
	}
	return n;
}

int main(int argc, char *argv[])
{
	struct shadow_desc desc = { .kind = SHADOW_KIND_PACK };
	size_t bytes;
	int r, rootfd;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: mkpack ROOT [EAGER] <LINES\n");
		return 2;
	}
	rootfd = io_open_root(argv[1]);
	if (rootfd < 0)
		die(argv[1], rootfd);
	if (argc == 3)
		desc.n_eager = (uint32_t)strtoul(argv[2], NULL, 10);
	read_lines();
	objects = calloc(n_lines + 1, sizeof(*objects));
	extents = calloc(n_lines + 1, sizeof(*extents));
	if (!objects || !extents)
		die("extents", -ENOMEM);
	desc.n_objects = make_objects(rootfd);
	desc.n_launches = make_launches();
	desc.n_extents = (uint32_t)n_lines;
	desc.objects = objects;
	desc.extents = extents;
	desc.launches = launches;
	r = shadow_write(&desc, &data, &bytes);
	if (r == 0)
		r = io_write_full(STDOUT_FILENO, data, bytes);
	if (r < 0)
		die("pack", r);
	return 0;
}
