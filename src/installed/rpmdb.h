/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rpm's database, by librpm. */
#ifndef ELFCAST_RPMDB_H
#define ELFCAST_RPMDB_H

#include "installed.h"

/* As installed_read(), from the database in the directory DB_PATH below the root. */
int rpm_read_installed(const char *root_path, const char *db_path, struct wanted *w,
		       struct installed *ret, struct diag *diag);

#endif
