/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between profile*.c. */
#ifndef ELFCAST_PROFILE_PRIVATE_H
#define ELFCAST_PROFILE_PRIVATE_H

#include "profile.h"

/* By path, build-id and size: the order in a profile. */
int profile_object_compare(const struct profile_object *a, const struct profile_object *b);

#endif
