/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `elfcast train --install` calls profiles. */
#ifndef ELFCAST_TRAIN_NAME_H
#define ELFCAST_TRAIN_NAME_H

#include "profile.h"
#include "store.h"

/* The profile NAME of /etc/elfcast/profiles.d. -ENOENT; what profile_parse() returns, … New. */
int train_load_installed(const struct store *s, const char *name, struct profile **ret);

/*
 * The name under which P is installed: that of the one of the same program and scenario, or one
 * under which there is none, elfcast-train(1). Only under store_lock_profiles(). -ENOMEM;
 * -EEXIST: all names are others'. New.
 */
int train_choose_name(const struct store *s, const struct profile *p, char **ret);

#endif
