/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A package in any of its forms: .rpm, .deb, tar archive, or unpacked in a directory. */
#ifndef ELFCAST_PACKAGE_H
#define ELFCAST_PACKAGE_H

#include "diag.h"
#include "wanted.h"

struct package {
	const char *kind;     /* "rpm", "deb", "tar", "directory" */
	char *name;	      /* NEVRA of an rpm, else NULL; owned */
	uint64_t n_members;   /* 0: a directory, or only the header was read */
	uint64_t n_bad_names; /* members passed over because of their names */
	bool is_header_only;
};

void package_done(struct package *p);

/*
 * Look for the files of W (prepared) in the package open as FD, which is borrowed, verified as
 * far as its form allows. QUICK: believe an rpm's header where it says enough. Forgets what W had found.
 * Negative errno with DIAG (no position): -EBADMSG damaged, -E2BIG, -EOPNOTSUPP, ...
 */
int package_read(int fd, bool quick, struct wanted *w, struct package *ret,
		 struct diag *diag);

#endif
