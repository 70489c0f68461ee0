/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A profile inside of the program that it is about, as elfcast-embedded(5) says: in a note that was
 * reserved when it was linked, or behind the file's end. Both hold the same block of bytes.
 */
#ifndef ELFCAST_EMBEDDED_H
#define ELFCAST_EMBEDDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "profile.h"

#define EMBEDDED_OWNER	      "elfcast"
#define EMBEDDED_NOTE_TYPE    1u
/* What follows the block behind the file's end. */
#define EMBEDDED_FOOTER_BYTES 16u

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

/*
 * The profile of E, which is not empty, in the file at FD, which is PATH now (absolute, canonical): it is made one of
 * that path, wherever it was trained. NULL: as it was trained. -EBADMSG, -ESTALE: damaged, of another version. DIAG is set on all errors that are
 * about the text, as profile_parse() does.
 */
int embedded_load(int fd, const struct embedded *e, const char *path, struct profile **ret,
		  struct diag *diag);

/* P as a block; it loses what only other builds need (fingerprints). New buffer; -ENOMEM, -E2BIG. */
int embedded_pack(struct profile *p, uint8_t **ret, size_t *ret_bytes);
/* What follows a block that is a trailer. */
void embedded_make_footer(uint64_t block_bytes, uint8_t ret[static EMBEDDED_FOOTER_BYTES]);
/* A block's text, checked; new buffer with a NUL behind. ROOM may be longer than the block: then zeros follow. */
int embedded_unpack(const uint8_t *room, size_t room_bytes, char **ret, size_t *ret_bytes);

#endif
