/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A profile inside of the program that it is about, as elfcast-embedded(5) says: to be read as such, and made. Where
 * it stands is embedded-block.h's.
 */
#ifndef ELFCAST_EMBEDDED_H
#define ELFCAST_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "embedded-block.h"
#include "profile.h"

/*
 * The profile of E, which is not empty, in the file at FD, which is PATH now (absolute, canonical): it is made one of
 * that path, wherever it was trained. NULL: as it was trained. -EBADMSG, -ESTALE: damaged, of another version. DIAG is set on all errors that are
 * about the text, as profile_parse() does.
 */
int embedded_load(int fd, const struct embedded *e, const char *path, struct profile **ret,
		  struct diag *diag);

/*
 * P as a block, with its SHADOW (0 bytes: without); it loses what only other builds need (fingerprints). New buffer;
 * -ENOMEM, -E2BIG.
 */
int embedded_pack(struct profile *p, const void *shadow, size_t shadow_bytes, uint8_t **ret,
		  size_t *ret_bytes);
/* A block's text, checked; new buffer with a NUL behind. ROOM may be longer than the block: then zeros follow. */
int embedded_unpack(const uint8_t *room, size_t room_bytes, char **ret, size_t *ret_bytes);

#endif
