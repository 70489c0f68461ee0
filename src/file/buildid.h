/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GNU build-id as a value, and the small reader that finds it in an open ELF file with
 * pread() alone, for programs that link libc only (the ELF fuzzer holds it against libelf). It
 * identifies, it does not authenticate.
 */
#ifndef ELFCAST_BUILDID_H
#define ELFCAST_BUILDID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUILDID_MAX_BYTES 32 /* sha256; ld's default is 20 (sha1) */
#define BUILDID_HEX_BYTES (2 * BUILDID_MAX_BYTES + 1)

struct buildid {
	uint8_t n_bytes;		  /* 0: none */
	uint8_t bytes[BUILDID_MAX_BYTES]; /* zero past n_bytes */
};

/*
 * From N lower-case hex digits. -EINVAL: empty, odd count or another character; -E2BIG: over
 * BUILDID_MAX_BYTES bytes.
 */
int buildid_from_hex(const char *hex, size_t n, struct buildid *ret);
/* From bytes; -EINVAL when none, -E2BIG when over BUILDID_MAX_BYTES. */
int buildid_from_bytes(const void *bytes, size_t n, struct buildid *ret);
void buildid_to_hex(const struct buildid *b, char ret[static BUILDID_HEX_BYTES]);
bool buildid_equal(const struct buildid *a, const struct buildid *b);

/*
 * The build-id of the ELF file open at FD (any class and byte order), from its PT_NOTE segments, else
 * from its sections: those of relocatable objects, separated debug information, and what Go's linker
 * made with -B, are in no segment. -ENOEXEC: not an ELF file; -ENOENT: no build-id; -EBADMSG: damaged;
 * -E2BIG.
 */
int buildid_read(int fd, struct buildid *ret);

#endif
