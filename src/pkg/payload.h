/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams through an archive and notes the files that are wanted; the only user of
 * libarchive. Members that are not wanted are unpacked and dropped, of wanted ones at most
 * LIMIT_PAYLOAD_ELF_BYTES stay in memory, one at a time. Decompression in this process only.
 */
#ifndef ELFCAST_PAYLOAD_H
#define ELFCAST_PAYLOAD_H

#include "diag.h"
#include "wanted.h"

enum payload_kind {
	PAYLOAD_CPIO, /* of an rpm, behind its header */
	PAYLOAD_TAR,
	PAYLOAD_DEB,
};

struct payload_counts {
	uint64_t n_members;
	uint64_t n_bad_names; /* passed over: with "..", or too long */
};

/*
 * Read the archive that begins at FD's offset, to its end. W is prepared; what was found in
 * other packages is forgotten, and hard links may add files to it. DIAG (without position)
 * is set on -EBADMSG (damaged or cut), -E2BIG and errors of reading; -ENOMEM sets none.
 */
int payload_read(int fd, enum payload_kind kind, struct wanted *w,
		 struct payload_counts *ret, struct diag *diag);

#endif
