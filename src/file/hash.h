/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XXH3, for names, checksums and digests: nothing here resists an attacker. */
#ifndef ELFCAST_HASH_H
#define ELFCAST_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "macro.h"

#define HASH_DIGEST_BYTES sizeof("xxh3-128:0123456789abcdef0123456789abcdef")

/* XXH3-64 of the string without its NUL. */
uint64_t hash_string(const char *s);

uint64_t hash_bytes(const void *data, size_t bytes);

/* XXH3-64 of DATA with the 8 bytes at OFF taken as zero (OFF + 8 <= BYTES). */
uint64_t hash_without(const void *data, size_t bytes, size_t off);

/* "xxh3-128:HEX" of all of the file at FD, read with pread. 0 or negative errno. */
int hash_file(int fd, char ret[static HASH_DIGEST_BYTES]);

/* The same of bytes that come in pieces. */
struct hash_stream;
struct hash_stream *hash_stream_new(void); /* NULL: no memory */
void hash_stream_free(struct hash_stream *h);
DEFINE_CLEANUP(struct hash_stream *, hash_stream_free)
void hash_stream_restart(struct hash_stream *h);
void hash_stream_add(struct hash_stream *h, const void *data, size_t bytes);
void hash_stream_digest(const struct hash_stream *h, char ret[static HASH_DIGEST_BYTES]);

#endif
