/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast train --method: ways to record a launch, one run at a time. */
#ifndef ELFCAST_TRAIN_METHOD_H
#define ELFCAST_TRAIN_METHOD_H

#include "trace.h"
#include "train-private.h"

/* By its name, which is that in profiles. */
bool train_method_parse(const char *text, enum trace_method *ret);
/* Whether what others read meanwhile is recorded as well. */
bool train_method_is_of_system(enum trace_method method);

/* RUN of T's command by arg_method. Problems other than -EINTR are logged. */
int train_launch(struct training *t, unsigned run, const struct trace_options *options,
		 struct trace_result *ret);

#endif
