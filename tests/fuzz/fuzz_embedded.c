/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A profile inside of a program, and the shadow beside it: the bytes as a whole file, and as a block whose checksum is right.
 * What is accepted can be written, and is accepted again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "embedded.h"
#include "hash.h"
#include "le.h"
#include "macro.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHECKSUM = offsetof(struct embedded_header, checksum) };

static int fd;

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fd = memfd_create("fuzz_embedded", MFD_CLOEXEC);
	check(fd >= 0);
	return 0;
}

static void put(const void *data, size_t size)
{
	check(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
}

/* As elfcastd does. */
static void load_shadow(void)
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer b = { 0 };

	if (embedded_load_shadow(fd, "/usr/bin/other", STORAGE_IMAGE, &b) == 0)
		check(strcmp(shadow_string(&b.shadow, b.shadow.launches[0].program),
			     "/usr/bin/other") == 0);
}

static void load(void)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_free_ uint8_t *block = NULL;
	_cleanup_free_ char *text = NULL;
	struct diag d = { 0 };
	struct embedded e;
	size_t n;

	if (embedded_find(fd, &e) < 0 || e.is_empty)
		return;
	load_shadow();
	if (embedded_load(fd, &e, "/usr/bin/other", &p, &d) < 0)
		return;
	check(strcmp(p->program, "/usr/bin/other") == 0);
	check(embedded_pack(p, NULL, 0, &block, &n) == 0);
	check(embedded_unpack(block, n, &text, &n) == 0);
}

/* A trailer that is nothing else, so that all of DATA is looked at. */
static void load_trailer(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *file = malloc(size + EMBEDDED_FOOTER_BYTES);
	struct embedded_header h;
	uint64_t bytes;
	le64 sum;

	check(file);
	memcpy(file, data, size);
	memcpy(&h, file, sizeof(h));
	bytes = sizeof(h) + (uint64_t)le32_get(h.packed_bytes) + le32_get(h.shadow_bytes);
	if (bytes <= size) {
		sum = le64_make(hash_without(file, bytes, CHECKSUM));
		memcpy(file + CHECKSUM, &sum, sizeof(sum));
	}
	embedded_make_footer(size, file + size);
	put(file, size + EMBEDDED_FOOTER_BYTES);
	load();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	put(data, size);
	load();
	if (size >= sizeof(struct embedded_header))
		load_trailer(data, size);
	return 0;
}
