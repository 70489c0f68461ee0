/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pack of a system, and its bundle: shadows, launch counts and settings put together, and
 * the bytes put in place. pack.h decides, this reads and writes. libc only.
 */
#ifndef ELFCAST_PACK_BUILD_H
#define ELFCAST_PACK_BUILD_H

#include "config.h"
#include "mounts.h"
#include "pack.h"
#include "store.h"

/*
 * Choose from the shadows of S. Damaged ones are left out and counted. *C is borrowed as
 * long as the pack lives; MOUNTS tell which unit files may be looked at. New; -ENOMEM,
 * -E2BIG, -EIO, …
 */
int pack_build(const struct store *s, const struct config *c, const struct mounts *mounts,
	       struct pack **ret, unsigned *ret_damaged);

/* Its bytes; MOUNTS tell which files may be asked for their place. As pack_write(). */
int pack_build_bytes(const struct pack *p, const struct store *s,
		     const struct mounts *mounts, uint8_t **ret, size_t *ret_bytes);

struct pack_built {
	uint32_t n_launches;
	uint64_t n_pages;
	unsigned n_damaged; /* shadows that could not be read: it is not all it could be */
	bool written;	    /* or removed: something changed on disk */
};

/*
 * Build pack and bundle, and replace each file where its bytes would change; remove it when
 * nothing is to be read. -E2BIG: there are more launches than can be handled, and there is
 * neither. Under store_lock().
 */
int pack_sync(const struct store *s, const struct config *c, const struct mounts *mounts,
	      struct pack_built *ret);

#endif
