/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that users name: replaced as a whole where that is safe, else written through. */
#ifndef ELFCAST_OUTPUT_FILE_H
#define ELFCAST_OUTPUT_FILE_H

#include <stddef.h>

/*
 * Write DATA to what PATH names:
 *
 *   a regular file, or nothing yet   replaced by a new file in one step, with the old one's
 *                                    mode and, where allowed, owner
 *   a descriptor of this process     (/dev/stdout, /proc/self/fd/N, /dev/fd/N, links to
 *                                    them) written to where it stands, whatever it leads to
 *   another link                     what it leads to is written in place, and must be there
 *   device, FIFO                     written to, never opened for control of a terminal
 *   anything on devtmpfs             written in place, if it is there
 *
 * What takes nothing for TIMEOUT_MS (-1: for ever) is -ETIMEDOUT; regular files, which cannot
 * be asked, are just written. 0 or negative errno: -ENXIO when nobody has a FIFO open for
 * reading, -EISDIR, ... When that is returned, what was to be replaced is as it was, what is
 * written in place may be cut short.
 */
int output_file_write(const char *path, const void *data, size_t bytes, int timeout_ms);

/*
 * Whether this user may write there, as far as can be told without doing it: 0, or what would come of
 * it.
 */
int output_file_may_write(const char *path);

/* What the errors of output_file_write() mean. */
const char *output_file_error(int error);

#endif
