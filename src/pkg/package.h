/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A package in any of its forms: .rpm, .deb, tar archive, or unpacked in a directory. */
#ifndef ELFCAST_PACKAGE_H
#define ELFCAST_PACKAGE_H

#include "members.h"

struct package {
	const char *kind;    /* "rpm", "deb", "tar", "directory" */
	char *name;	     /* NEVRA of an rpm, else NULL; owned */
	unsigned rpm_format; /* of an rpm: 4, 6, ...; else 0 */
	bool is_signed;	     /* an rpm: there is a signature, which was not verified */
	bool is_header_only;
	struct member_counts counts; /* 0: a directory, or only the header was read */
};

void package_done(struct package *p);

/* After the last one: release what libraries hold for the process. */
void packages_done(void);

/*
 * Look for the files of W (prepared) in the package open as FD, which is borrowed, verified as
 * far as its form allows. QUICK: believe an rpm's header where it says enough. Forgets what W had found.
 * Negative errno with DIAG (no position): -EBADMSG damaged, -E2BIG, -EOPNOTSUPP, ...
 */
int package_read(int fd, bool quick, struct wanted *w, struct package *ret,
		 struct diag *diag);

#endif
