/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Header-only on purpose: the boot programs link libc and nothing else. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "macro.h"

uint64_t hash_string(const char *s)
{
	return XXH3_64bits(s, strlen(s));
}

uint64_t hash_bytes(const void *data, size_t bytes)
{
	return XXH3_64bits(data, bytes);
}

uint64_t hash_without(const void *data, size_t bytes, size_t off)
{
	static const uint8_t zero[8];
	const uint8_t *p = data;
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, p, off);
	XXH3_64bits_update(&state, zero, sizeof(zero));
	XXH3_64bits_update(&state, p + off + sizeof(zero), bytes - off - sizeof(zero));
	return XXH3_64bits_digest(&state);
}

struct hash_stream {
	XXH3_state_t state;
};

struct hash_stream *hash_stream_new(void)
{
	/* XXH3 wants an alignment that malloc() does not give. */
	struct hash_stream *h = aligned_alloc(_Alignof(struct hash_stream), sizeof(*h));

	if (h)
		hash_stream_restart(h);
	return h;
}

void hash_stream_free(struct hash_stream *h)
{
	free(h);
}

void hash_stream_restart(struct hash_stream *h)
{
	XXH3_128bits_reset(&h->state);
}

void hash_stream_add(struct hash_stream *h, const void *data, size_t bytes)
{
	XXH3_128bits_update(&h->state, data, bytes);
}

void hash_stream_digest(const struct hash_stream *h, char ret[static HASH_DIGEST_BYTES])
{
	XXH128_hash_t hash = XXH3_128bits_digest(&h->state);

	snprintf(ret, HASH_DIGEST_BYTES, "xxh3-128:%016llx%016llx",
		 (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}

int hash_file(int fd, char ret[static HASH_DIGEST_BYTES])
{
	struct hash_stream h;
	uint8_t buffer[65536];
	off_t off = 0;
	ssize_t n;

	hash_stream_restart(&h);
	while ((n = pread(fd, buffer, sizeof(buffer), off)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		hash_stream_add(&h, buffer, (size_t)n);
		off += n;
	}
	hash_stream_digest(&h, ret);
	return 0;
}
