/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What another program prints, for who does not want to wait for it for ever. libc only. */
#ifndef ELFCAST_COMMAND_H
#define ELFCAST_COMMAND_H

#include <stddef.h>
#include <stdint.h>

/*
 * Execute ARGV[0], a path, with an environment that says nothing but the POSIX locale and a
 * PATH of the system's, and with /dev/null as input and for errors. All that it prints, in a new
 * buffer, one NUL past *RET_BYTES. -ETIMEDOUT at UNTIL_US (clock.h): it is left behind, killed;
 * -E2BIG past LIMIT_BYTES: the same; -ENOENT, …: it could not be executed, or -EIO: it did not
 * end with 0.
 */
int command_read(char *const argv[], size_t limit_bytes, uint64_t until_us, char **ret,
		 size_t *ret_bytes);

#endif
