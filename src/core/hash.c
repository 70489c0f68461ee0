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

int hash_file(int fd, char ret[static HASH_DIGEST_BYTES])
{
	uint8_t buffer[65536];
	XXH3_state_t state;
	XXH128_hash_t h;
	off_t off = 0;
	ssize_t n;

	XXH3_128bits_reset(&state);
	while ((n = pread(fd, buffer, sizeof(buffer), off)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		XXH3_128bits_update(&state, buffer, (size_t)n);
		off += n;
	}
	h = XXH3_128bits_digest(&state);
	snprintf(ret, HASH_DIGEST_BYTES, "xxh3-128:%016llx%016llx",
		 (unsigned long long)h.high64, (unsigned long long)h.low64);
	return 0;
}
