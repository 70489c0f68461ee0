/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program with another profile in it, or none: a new file that takes the place of the old one when
 * it is complete, with its owner, mode and extended attributes. Nothing but the room of the
 * profile is another byte, which is looked at before.
 */
#ifndef ELFCAST_EMBED_WRITE_H
#define ELFCAST_EMBED_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "embedded-block.h"

/*
 * Why nothing may be embedded in the ELF file at FD: signed, or something else lies behind its end,
 * which finds itself from there. NULL: it may. Before a trailer of ours, nothing is behind the end.
 */
const char *embed_refusal(int fd);

/* How the file is to be changed. */
struct embed_change {
	bool use_note;		/* else it is a trailer */
	struct embedded note;	/* with USE_NOTE */
	uint64_t program_bytes; /* without a trailer */
	const uint8_t *block;	/* NULL: none, emptied */
	size_t block_bytes;	/* at most the note's room */
};

/*
 * The file at FD, changed, as PATH. 0 or negative errno; -EILSEQ: what was written is not what it
 * should be, and is not there.
 */
int embed_write(int fd, const struct embed_change *c, const char *path);

#endif
