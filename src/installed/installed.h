/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which installed package has which file: asked of rpm's database, or of dpkg's. */
#ifndef ELFCAST_INSTALLED_H
#define ELFCAST_INSTALLED_H

#include "diag.h"
#include "names.h"
#include "wanted.h"

struct installed {
	const char *manager;	   /* "rpm", "dpkg" */
	struct name_list packages; /* NEVRA, or NAME_VERSION_ARCH; as they come */
};

void installed_done(struct installed *i);

/*
 * All packages installed below the root, and as owner of each file of W (prepared) the first
 * that lists it. -ENOENT: there is no database; DIAG (no position) for all but -ENOMEM.
 */
int installed_read(int rootfd, const char *root_path, struct wanted *w,
		   struct installed *ret, struct diag *diag);

/* For the readers: the last package of I lists PATH (any form). */
void installed_claim(const struct installed *i, struct wanted *w, const char *path);

#endif
