/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all users of librpm share, and they alone include. librpm logs where it pleases; here its
 * words are kept for a diag. It has one configuration per process, which only a database needs.
 */
#ifndef ELFCAST_LIBRPM_H
#define ELFCAST_LIBRPM_H

#include <rpm/rpmfiles.h>
#include <rpm/rpmts.h>
#include <stdbool.h>
#include <stddef.h>

/* Before anything else; again is allowed. -EIO. With rpm's configuration, or without. */
int librpm_begin(void);
int librpm_configure(void);

/* Release what librpm holds for the process. */
void librpm_cleanup(void);

/*
 * A transaction that verifies digests and no signatures, with an empty keyring, so that nobody
 * opens (or creates) the database of keys. Forgets what was said. Owned, rpmtsFree().
 */
rpmts librpm_transaction(void);

/* The last error, or the digest that did not agree, since the last transaction was begun. */
const char *librpm_message(const char *otherwise);

/* Of file I. False: it has none, or a longer one than there is room for. */
bool librpm_file_path(rpmfiles files, int i, char *ret, size_t bytes);

#endif
