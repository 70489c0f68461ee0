/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a program has its profile: in a note that was reserved when it was linked, or behind the file's
 * end, as elfcast-embedded(5) says. And the shadow that stands there beside the profile's text, for
 * those that know neither JSON nor zlib. libc only.
 */
#ifndef ELFCAST_EMBEDDED_BLOCK_H
#define ELFCAST_EMBEDDED_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "le.h"
#include "shadow-read.h"

#define EMBEDDED_OWNER	      "elfcast"
#define EMBEDDED_NOTE_TYPE    1u
/* The last byte is the version. */
#define EMBEDDED_MAGIC	      "elfcast\2"
#define EMBEDDED_MAGIC_BYTES  8u
/* What follows the block behind the file's end. */
#define EMBEDDED_FOOTER_BYTES 16u

/* A block: this, the text, the shadow. */
struct embedded_header {
	char magic[EMBEDDED_MAGIC_BYTES];
	le32 packed_bytes, text_bytes; /* of the text */
	le64 checksum;		       /* XXH3-64 of the whole block, this field as zero */
	le32 shadow_bytes;	       /* 0: there is none */
	le32 reserved;		       /* zero */
};

_Static_assert(sizeof(struct embedded_header) == 32, "as the manual says");

enum embedded_place {
	EMBEDDED_NOTE,
	EMBEDDED_TRAILER,
};

struct embedded {
	enum embedded_place place;
	uint64_t off;	     /* of the block */
	uint64_t room_bytes; /* in a note all of it; of a trailer the block alone */
	bool is_empty;	     /* a note in which there is nothing yet */
};

/*
 * Where the ELF file at FD has its profile: a trailer counts before a note. Two small reads of a file
 * that has none. -ENOENT: nowhere; -ENOEXEC; -EBADMSG: damaged; -EIO, ….
 */
int embedded_find(int fd, struct embedded *ret);
/* The room of a note, whether there is a trailer or not. */
int embedded_find_note(int fd, struct embedded *ret);
/* What follows a block that is a trailer. */
void embedded_make_footer(uint64_t block_bytes, uint8_t ret[static EMBEDDED_FOOTER_BYTES]);

/*
 * Where the shadow of E lies in the file at FD: bytes that are still to be parsed, at most
 * LIMIT_EMBEDDED_SHADOW. -ENOENT: none; -EBADMSG, -ESTALE: damaged, of another version; -EIO, ….
 */
int embedded_find_shadow(int fd, const struct embedded *e, uint64_t *ret_off,
			 size_t *ret_bytes);
/*
 * That shadow, as one of PATH, which the file at FD is, on STORAGE. -ENOENT: it brings none; -EBADMSG, -ESTALE; -ENOMEM.
 */
int embedded_load_shadow(int fd, const char *path, enum storage_class storage,
			 struct shadow_buffer *ret);

#endif
