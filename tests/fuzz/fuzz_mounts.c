/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mount table reader: the first line of the input is the path asked for, the rest is
 * mountinfo text. The answers must agree with each other, and a relative or empty path and
 * an empty table are never local.
 */
#include <stdint.h>
#include <string.h>

#include "mounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void ask(const struct mounts *m, const char *path)
{
	bool local = mounts_is_local(m, path);
	const char *type = mounts_fstype(m, path);

	check(type != NULL && strlen(type) < SIZE_MAX);
	if (path[0] != '/' || strstr(path, "//") || strstr(path, "/../"))
		check(!local);
	if (strcmp(type, "none") == 0 || strcmp(type, "nfs") == 0 ||
	    strcmp(type, "fuse") == 0)
		check(!local);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(mounts_freep) struct mounts *m = NULL;
	_cleanup_free_ char *path = NULL;
	const uint8_t *newline = memchr(data, '\n', size);
	char here[64];
	size_t path_bytes = newline ? (size_t)(newline - data) : 0;

	if (!newline)
		return 0;
	path = strndup((const char *)data, path_bytes);
	check(path != NULL);
	check(mounts_parse((const char *)newline + 1, size - path_bytes - 1, &m) == 0);
	ask(m, path);
	ask(m, "/");
	ask(m, "/usr/bin/git");
	/* Of one table to itself: to where the same is, if to anywhere. */
	if (mounts_translate(m, m, path, here, sizeof(here)) == 0)
		check(strcmp(mounts_fstype(m, here), "none") != 0);
	return 0;
}
