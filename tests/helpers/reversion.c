/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reversion VERSION <CONTAINER: the same as a whole file of that version, on stdout. */
#include <stddef.h>
#include <stdio.h>

#include "bounds.h"
#include "hash.h"
#include "io.h"
#include "macro.h"
#include "shadow-format.h"

int main(int argc, char *argv[])
{
	_cleanup_free_ char *data = NULL;
	struct shadow_header *h;
	size_t bytes;

	if (argc != 2 || io_read_file(STDIN_FILENO, LIMIT_PACK_BYTES, &data, &bytes) < 0 ||
	    bytes < sizeof(*h)) {
		fprintf(stderr, "usage: reversion VERSION <CONTAINER\n");
		return 2;
	}
	h = (struct shadow_header *)data;
	h->version = le32_make((uint32_t)strtoul(argv[1], NULL, 10));
	h->xxh3 =
		le64_make(hash_without(data, bytes, offsetof(struct shadow_header, xxh3)));
	return io_write_full(STDOUT_FILENO, data, bytes) < 0;
}
