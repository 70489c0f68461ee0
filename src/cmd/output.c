/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "macro.h"
#include "output-file.h"
#include "profile-output.h"

int profile_output(const struct profile *p, const char *output)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r = profile_write(p, &text, &bytes);

	if (r < 0)
		return log_errno(r, "cannot write the profile");
	if (!output || strcmp(output, "-") == 0)
		return fwrite(text, 1, bytes, stdout) == bytes ? 0 : -EIO;
	r = output_file_write(output, text, bytes, -1);
	if (r < 0)
		log_error("cannot write '%s': %s", output, output_file_error(r));
	return r;
}
