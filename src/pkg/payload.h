/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams through a .deb or a tar archive for the files that are wanted; the only user of
 * libarchive. Decompression in this process only.
 */
#ifndef ELFCAST_PAYLOAD_H
#define ELFCAST_PAYLOAD_H

#include "members.h"

enum payload_kind {
	PAYLOAD_TAR,
	PAYLOAD_DEB,
};

/*
 * Read the archive that begins at FD's offset, to its end. W is prepared; what was found in
 * other packages is forgotten, and hard links may add files to it. DIAG (without position)
 * is set on -EBADMSG (damaged or cut), -E2BIG and errors of reading; -ENOMEM sets none.
 */
int payload_read(int fd, enum payload_kind kind, struct wanted *w,
		 struct member_counts *ret, struct diag *diag);

#endif
