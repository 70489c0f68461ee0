/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A package file of rpm, by librpm. */
#ifndef ELFCAST_RPM_PACKAGE_H
#define ELFCAST_RPM_PACKAGE_H

#include <stdbool.h>

#include "diag.h"
#include "members.h"

struct rpm_package;

/*
 * Verify the digests of the package in FD, header and payload (rpmReadPackageFile() looks at
 * the header only), and read its header. No configuration of rpm is read. Signatures are not
 * verified: who made a package does not change what is in it, and the key need not be here.
 * DIAG is set on -EBADMSG (damaged), -EOPNOTSUPP (a source or delta package); -ENOMEM.
 */
int rpm_package_open(int fd, struct rpm_package **ret, struct diag *diag);
void rpm_package_free(struct rpm_package *p);
DEFINE_CLEANUP(struct rpm_package *, rpm_package_free)

const char *rpm_package_name(const struct rpm_package *p); /* NEVRA */
unsigned rpm_package_format(const struct rpm_package *p);  /* 4, 6, ... */
bool rpm_package_is_signed(const struct rpm_package *p);   /* by whomever */

/*
 * What the header alone says of the wanted files: sizes, and build-ids in the file class.
 * *RET_COMPLETE false: of some file that is in the package it does not say enough.
 */
int rpm_package_look_up(const struct rpm_package *p, struct wanted *w, bool *ret_complete);

/*
 * Look for the files of W (prepared) in the payload, once for each package: it is read from
 * where it stands. All members that the header has are there, and no others. DIAG is set on
 * all errors but -ENOMEM.
 */
int rpm_package_read(struct rpm_package *p, struct wanted *w, struct member_counts *ret,
		     struct diag *diag);

/*
 * The build-id in a file class as file(1) words it, "ELF 64-bit LSB ..., BuildID[sha1]=HEX,
 * stripped". -ENOENT: none.
 */
int rpm_class_buildid(const char *file_class, struct buildid *ret);

#endif
