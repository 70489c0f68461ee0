/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "io.h"
#include "log.h"
#include "macro.h"
#include "output-file.h"
#include "output.h"

int output_text(const char *path, const char *text, size_t bytes)
{
	int r;

	if (!path || strcmp(path, "-") == 0) {
		fwrite(text, 1, bytes, stdout); /* main() looks at the stream's error */
		return 0;
	}
	r = output_file_write(path, text, bytes, -1);
	if (r < 0)
		log_error("cannot write '%s': %s", path, output_file_error(r));
	return r;
}

int output_built(const char *path, void (*write)(const void *of, FILE *f), const void *of)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = io_build_text(write, of, &text, &bytes);

	return r < 0 ? log_errno(r, "cannot write '%s'", path)
		     : output_text(path, text, bytes);
}

int output_profile(const char *path, const struct profile *p)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = profile_write(p, &text, &bytes);

	return r < 0 ? log_errno(r, "cannot write the profile")
		     : output_text(path, text, bytes);
}
