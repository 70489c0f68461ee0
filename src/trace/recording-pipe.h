/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A recording on its way from the process that made it to the one that waits for it. */
#ifndef ELFCAST_RECORDING_PIPE_H
#define ELFCAST_RECORDING_PIPE_H

#include "recording.h"

/* RESULT only with R 0. Negative errno when it cannot be written. */
int recording_write(int fd, int r, const struct trace_result *result);
/*
 * What was written: R, and with 0 *RET, to be freed with trace_result_done(). -EBADMSG: not all
 * of it is there; -ENOMEM.
 */
int recording_parse(const void *data, size_t bytes, struct trace_result *ret);

#endif
