/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where verbs write the profile that they made. */
#ifndef ELFCAST_PROFILE_OUTPUT_H
#define ELFCAST_PROFILE_OUTPUT_H

#include "profile.h"

/* To the file OUTPUT; NULL or "-": standard output. 0 or negative errno, logged. */
int profile_output(const struct profile *p, const char *output);

#endif
