/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast train --system: what differs from training a command. */
#ifndef ELFCAST_TRAIN_SYSTEM_H
#define ELFCAST_TRAIN_SYSTEM_H

#include "trace-system.h"

/*
 * Record the whole system; says what is missing. *ret_program: canonical path of process 1's
 * program, new. On failure, -ECANCELED when nothing was read, it has been logged. A LIGHT recording
 * that lost something fails (-EOVERFLOW): another boot comes.
 */
int train_system_record(unsigned duration_ms, bool light, char **ret_program,
			struct trace_result *ret, struct trace_system_report *ret_report);

/* Log why the system cannot be recorded; returns ERROR. */
int train_system_explain(int error);
/* What is missing. */
void train_system_tell(const struct trace_system_report *r, bool light);

#endif
