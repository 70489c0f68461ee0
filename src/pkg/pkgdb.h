/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only user of librpm: a package's header and digests, and the installed packages. */
#ifndef ELFCAST_PKGDB_H
#define ELFCAST_PKGDB_H

#include <stdbool.h>

#include "diag.h"
#include "installed.h"
#include "wanted.h"

struct rpm_package;

/*
 * Verify the digests of the package in FD, header and payload (rpmReadPackageFile() looks at
 * the header only), and leave FD at the payload. Signatures are not looked at: who made a
 * package does not change what is in it, and the key need not be here. DIAG is set on
 * -EBADMSG (damaged), -EOPNOTSUPP (a source or delta package, files over 4 GiB); -ENOMEM.
 */
int rpm_package_open(int fd, struct rpm_package **ret, struct diag *diag);
void rpm_package_free(struct rpm_package *p);
DEFINE_CLEANUP(struct rpm_package *, rpm_package_free)

const char *rpm_package_name(const struct rpm_package *p); /* NEVRA */
/* Members that the payload must have: ghosts are in the header only. */
uint64_t rpm_package_n_members(const struct rpm_package *p);

/*
 * What the header alone says of the wanted files: sizes, and build-ids in the file class.
 * *RET_COMPLETE false: of some file that is in the package it does not say enough.
 */
int rpm_package_look_up(const struct rpm_package *p, struct wanted *w, bool *ret_complete);

/*
 * The build-id in a file class as file(1) words it, "ELF 64-bit LSB ..., BuildID[sha1]=HEX,
 * stripped". -ENOENT: none.
 */
int rpm_class_buildid(const char *file_class, struct buildid *ret);

/* As installed_read(), from the database in the directory DB_PATH below the root. */
int rpm_read_installed(const char *root_path, const char *db_path, struct wanted *w,
		       struct installed *ret, struct diag *diag);

/* Release what librpm holds for the process. */
void rpm_cleanup(void);

#endif
