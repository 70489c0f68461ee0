/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tools say of a package that they have read. */
#ifndef ELFCAST_PACKAGE_TOLD_H
#define ELFCAST_PACKAGE_TOLD_H

#include "package.h"

/* Logs what it is, and how far it was verified; ERROR: why it was not read, or NULL. */
void package_told_print(const char *path, const struct package *p,
			const struct diag *error);

#endif
