/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dpkg's database as the files it is: /var/lib/dpkg/status (deb822 paragraphs, see
 * deb822(5)) and info/PACKAGE.list (a path per line).
 */
#ifndef ELFCAST_DPKG_H
#define ELFCAST_DPKG_H

#include <stdbool.h>

#include "installed.h"

/* One paragraph of status. Not terminated: they point into the text. */
struct dpkg_field {
	const char *text;
	size_t bytes;
};

struct dpkg_package {
	struct dpkg_field name, version, arch;
	bool is_installed; /* "Status: ... installed": its files are there */
};

/*
 * Call FN for every paragraph that names a package; stops when it returns non-zero and
 * returns that. Paragraphs without a good name (which becomes a file name) are passed over.
 */
int dpkg_parse_status(const char *text, size_t bytes,
		      int (*fn)(const struct dpkg_package *p, void *userdata),
		      void *userdata);

/* As installed_read(). */
int dpkg_read_installed(int rootfd, struct wanted *w, struct installed *ret,
			struct diag *diag);

#endif
