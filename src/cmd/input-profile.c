/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles by their names, without anything of the machine. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "bounds.h"
#include "embedded.h"
#include "input.h"
#include "io.h"
#include "log.h"

static int log_profile_error(int r, const char *name, const struct diag *d)
{
	if (r == 0)
		return r;
	if (r == -ENOMEM || !d->message[0])
		return log_errno(r, "cannot read profile '%s'", name);
	if (d->line > 0)
		log_error("%s:%u:%u: %s", name, d->line, d->column, d->message);
	else
		log_error("%s: %s", name, d->message);
	return r;
}

int input_read_profile(int fd, const char *name, struct profile **ret)
{
	_cleanup_free_ char *text = NULL;
	struct diag d = { 0 };
	size_t bytes;
	int r = io_read_file(fd, LIMIT_PROFILE_BYTES, &text, &bytes);

	if (r == 0)
		r = profile_parse(text, bytes, ret, &d);
	return log_profile_error(r, name, &d);
}

int input_load_profile(const char *name, struct profile **ret)
{
	_cleanup_close_ int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? log_errno(-errno, "cannot read profile '%s'", name)
		      : input_read_profile(fd, name, ret);
}

int input_load_embedded(int fd, const char *name, struct profile **ret)
{
	_cleanup_free_ char *path = realpath(name, NULL);
	struct diag d = { 0 };
	struct embedded e;
	int r = path ? embedded_find(fd, &e) : -errno;

	if (r == 0 && e.is_empty)
		r = -ENOENT;
	if (r == -ENOENT)
		return r;
	if (r == -ENOEXEC) {
		log_error("'%s' is not an ELF program", name);
		return r;
	}
	if (r == 0)
		r = embedded_load(fd, &e, path, ret, &d);
	return log_profile_error(r, name, &d);
}
