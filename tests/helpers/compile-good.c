/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * compile-good PROFILE [mixed]: compile a profile on made-up files that never change, so
 * that the result can be a golden file, and write the shadow to stdout. All objects are
 * valid; "mixed" makes every other one missing, rebuilt, resized, or no regular file.
 * On the way: dump of the shadow must compile to the same bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "compile-shadow.h"
#include "io.h"

static struct file_facts make_facts(const struct profile_object *o, unsigned i, bool mixed)
{
	struct file_facts f = {
		.identity = { .ino = 1000 + i,
			      .size_bytes = o->size_bytes,
			      .mtime_ns = 1700000000000000000 + i,
			      .ctime_ns = 1700000000000000000 - i },
		.buildid = o->buildid,
		.storage = (enum storage_class)(i % STORAGE_CLASSES),
	};

	if (!mixed || i % 2 == 0)
		return f;
	switch (i / 2 % 4) {
	case 0:
		f = (struct file_facts){ .error = -ENOENT };
		break;
	case 1:
		f.buildid.bytes[0] ^= 1;
		f.identity.size_bytes += 70000;
		break;
	case 2:
		f.identity.size_bytes = 12345;
		break;
	case 3:
		f.error = -EINVAL;
		break;
	}
	return f;
}

static int compile(const struct profile *p, bool mixed, uint8_t **ret, size_t *ret_bytes)
{
	struct file_facts *facts = calloc(p->n_objects + 1, sizeof(*facts));
	int r;

	for (unsigned i = 0; i < p->n_objects; i++)
		facts[i] = make_facts(&p->objects[i], i, mixed);
	r = compile_profile(p, p->program, facts, ret, ret_bytes);
	free(facts);
	return r;
}

/* dump, write, parse, compile: the same bytes must come out. */
static int round_trip(const uint8_t *data, size_t bytes, bool mixed)
{
	_cleanup_(profile_freep) struct profile *dumped = NULL, *parsed = NULL;
	_cleanup_free_ uint8_t *again = NULL;
	_cleanup_free_ char *text = NULL;
	size_t text_bytes, again_bytes;
	struct diag diag = { 0 };
	struct shadow s;
	int r = shadow_parse(data, bytes, &s);

	if (r == 0)
		r = compile_dump(&s, &dumped);
	if (r == 0)
		r = profile_write(dumped, &text, &text_bytes);
	if (r == 0)
		r = profile_parse(text, text_bytes, &parsed, &diag);
	if (r == 0)
		r = compile(parsed, mixed, &again, &again_bytes);
	if (r < 0) {
		fprintf(stderr, "dump: %u:%u: %s: %s\n", diag.line, diag.column,
			diag.message, strerror(-r));
		return r;
	}
	return again_bytes == bytes && memcmp(again, data, bytes) == 0 ? 0 : -EBADMSG;
}

int main(int argc, char *argv[])
{
	bool mixed = argc > 2 && strcmp(argv[2], "mixed") == 0;
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_free_ uint8_t *data = NULL;
	_cleanup_free_ char *text = NULL;
	struct diag diag = { 0 };
	size_t bytes;
	_cleanup_close_ int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	int r = fd < 0 ? -EBADF : io_read_file(fd, LIMIT_PROFILE_BYTES, &text, &bytes);

	if (r == 0)
		r = profile_parse(text, bytes, &p, &diag);
	if (r == 0)
		r = compile(p, mixed, &data, &bytes);
	if (r < 0) {
		fprintf(stderr, "%u:%u: %s: %s\n", diag.line, diag.column, diag.message,
			strerror(-r));
		return 1;
	}
	r = round_trip(data, bytes, mixed);
	if (r < 0) {
		fprintf(stderr, "the dumped profile does not compile to the same bytes\n");
		return 1;
	}
	return io_write_full(STDOUT_FILENO, data, bytes) < 0;
}
