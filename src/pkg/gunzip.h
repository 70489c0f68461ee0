/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gzip streams with their checksums: libarchive (3.6.2) does not compare them, so that a
 * damaged file comes out of it like a whole one. The only user of zlib.
 */
#ifndef ELFCAST_GUNZIP_H
#define ELFCAST_GUNZIP_H

#include <sys/types.h>

#include "macro.h"

/* Bytes of a stream: count and *RET, 0 at its end, negative errno. Borrowed until the next. */
typedef ssize_t (*gunzip_source)(void *userdata, const void **ret);

struct gunzip;

/* Unpacks FIRST (borrowed like what READ delivers) and what READ delivers. NULL: no memory. */
struct gunzip *gunzip_new(gunzip_source read, void *userdata, const void *first,
			  size_t bytes);
void gunzip_free(struct gunzip *g);
DEFINE_CLEANUP(struct gunzip *, gunzip_free)

/* As a gunzip_source. -EBADMSG: damaged or cut, which *RET_TEXT then describes. */
ssize_t gunzip_read(struct gunzip *g, const void **ret, const char **ret_text);

#endif
