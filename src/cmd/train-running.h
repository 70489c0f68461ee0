/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast train --pid, --unit: what runs already, or is started by systemd. */
#ifndef ELFCAST_TRAIN_RUNNING_H
#define ELFCAST_TRAIN_RUNNING_H

#include "recording.h"

/* Process PID and what it has started, as it is. Problems are logged. */
int train_pid_record(pid_t pid, struct trace_result *ret);
/*
 * Start the unit NAME, which must not run, and record its processes when they map next to nothing
 * new any more, WINDOW_MS after the start at the latest. It goes on running. Problems are logged.
 */
int train_unit_record(const char *name, unsigned window_ms, struct trace_result *ret);

#endif
