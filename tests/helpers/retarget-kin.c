/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * retarget-kin ONE_OF PROFILE... <FILES: what becomes of the objects of the profiles on each of the
 * files: those of the same name but for numbers, and of all others one of ONE_OF, but eight times as
 * many of those of about the same size. A line each: "same" or "other" by name, the object, the
 * file, its pages, of which so many are taken, with which confidence, and "foreign" or "kin".
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "elf-layout.h"
#include "fingerprint.h"
#include "hash.h"
#include "io.h"
#include "profile.h"
#include "renamed.h"
#include "retarget.h"
#include "vec.h"

struct old {
	const struct profile_object *object;
	struct fingerprint print;
};

static struct old *olds;
static size_t n_olds, capacity;

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The profiles live until the end. */
static int load(const char *name)
{
	_cleanup_close_ int fd = open(name, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct profile *p = NULL;
	struct diag d = { 0 };
	size_t bytes;
	int r = fd < 0 ? -1 : io_read_file(fd, LIMIT_PROFILE_BYTES, &text, &bytes);

	if (r == 0)
		r = profile_parse(text, bytes, &p, &d);
	for (size_t i = 0; r == 0 && i < p->n_objects; i++) {
		const struct profile_object *o = &p->objects[i];
		struct old old = { .object = o };

		if (!o->fingerprint || o->pages.n_runs == 0)
			continue;
		r = fingerprint_read(o->fingerprint, strlen(o->fingerprint), &old.print);
		if (r == 0 && VEC_RESERVE_ONE(olds, n_olds, capacity) == 0)
			olds[n_olds++] = old;
	}
	return r;
}

static bool is_like(const struct old *o, const struct layout *l)
{
	uint64_t x = o->print.file_bytes, y = l->file_bytes;

	return x / 5 * 4 <= y && y / 5 * 4 <= x;
}

static void try(const struct old *o, const char *file, const struct layout *l,
		bool has_its_name)
{
	_cleanup_(retargeted_done) struct retargeted r = { 0 };

	if (retarget_pages(&o->print, &o->object->pages, o->object->path, l, &r) < 0 ||
	    r.is_same)
		return;
	printf("%s\t%s\t%s\t%llu\t%llu\t%u\t%s\n", has_its_name ? "same" : "other",
	       o->object->path, file, (unsigned long long)pageset_count(&o->object->pages),
	       (unsigned long long)pageset_count(&r.pages), r.confidence,
	       r.is_foreign ? "foreign" : "kin");
}

static void try_all(const char *file, unsigned one_of)
{
	_cleanup_(layout_done) struct layout l = { 0 };
	_cleanup_close_ int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || elf_read_layout(fd, &l) < 0)
		return;
	for (size_t i = 0; i < n_olds; i++) {
		const char *name = base_name(olds[i].object->path);
		uint64_t lot = hash_bytes(name, strlen(name)) ^ hash_string(file) ^ i;
		bool has_its_name = names_are_alike(name, base_name(file));

		if (has_its_name ||
		    lot % MAX(one_of / (is_like(&olds[i], &l) ? 8 : 1), 1u) == 0)
			try(&olds[i], file, &l, has_its_name);
	}
}

int main(int argc, char *argv[])
{
	char file[LIMIT_PATH_BYTES + 2];
	int one_of = argc > 2 ? atoi(argv[1]) : 0;

	if (one_of < 1) {
		fputs("usage: retarget-kin ONE_OF PROFILE... <FILES\n", stderr);
		return 2;
	}
	for (int i = 2; i < argc; i++)
		if (load(argv[i]) < 0)
			fprintf(stderr, "%s cannot be read\n", argv[i]);
	while (fgets(file, sizeof(file), stdin)) {
		file[strcspn(file, "\n")] = 0;
		try_all(file, (unsigned)one_of);
	}
	return fflush(stdout) ? 1 : 0;
}
