/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * profile-check FILE: the canonical text of a profile on stdout, or FILE:LINE:COL: MESSAGE
 * on stderr and exit 1. With -m, the peak of resident memory in KiB is the last line of
 * stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "bounds.h"
#include "io.h"
#include "profile.h"

/* Fills DIAG for every error. */
static int load(const char *path, struct profile **ret, struct diag *diag)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t bytes;
	int r = fd < 0 ? -errno : io_read_file(fd, LIMIT_PROFILE_BYTES, &text, &bytes);

	if (r == -E2BIG && fstat(fd, &st) == 0)
		diag_set(diag, 0, 0, "%llu bytes (at most %u)",
			 (unsigned long long)st.st_size, LIMIT_PROFILE_BYTES);
	else if (r < 0)
		diag_set(diag, 0, 0, "%s", strerror(-r));
	if (r < 0)
		return r;
	r = profile_parse(text, bytes, ret, diag);
	if (r == -ENOMEM)
		diag_set(diag, 0, 0, "%s", strerror(ENOMEM));
	return r;
}

static int check(const char *path)
{
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_free_ char *text = NULL;
	struct diag diag;
	size_t bytes;
	int r = load(path, &p, &diag);

	if (r < 0) {
		fprintf(stderr, "%s:", basename(path));
		if (diag.line)
			fprintf(stderr, "%u:%u:", diag.line, diag.column);
		fprintf(stderr, " %s\n", diag.message);
		return 1;
	}
	r = profile_write(p, &text, &bytes);
	if (r < 0) {
		fprintf(stderr, "%s: cannot be written: %s\n", basename(path),
			strerror(-r));
		return 1;
	}
	return io_write_full(STDOUT_FILENO, text, bytes) < 0;
}

int main(int argc, char *argv[])
{
	int memory = argc == 3 && strcmp(argv[1], "-m") == 0;
	struct rusage usage;
	int r;

	if (argc != 2 + memory) {
		fputs("usage: profile-check [-m] FILE\n", stderr);
		return 2;
	}
	r = check(argv[1 + memory]);
	if (memory && getrusage(RUSAGE_SELF, &usage) == 0)
		fprintf(stderr, "%ld\n", usage.ru_maxrss);
	return r;
}
