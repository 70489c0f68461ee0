/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "buildid.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int buildid_from_hex(const char *hex, size_t n, struct buildid *ret)
{
	struct buildid b = { 0 };

	if (n == 0 || n % 2)
		return -EINVAL;
	if (n / 2 > BUILDID_MAX_BYTES)
		return -E2BIG;
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		b.bytes[b.n_bytes++] = (uint8_t)(high << 4 | low);
	}
	*ret = b;
	return 0;
}

int buildid_from_bytes(const void *bytes, size_t n, struct buildid *ret)
{
	struct buildid b = { 0 };

	if (n == 0)
		return -EINVAL;
	if (n > BUILDID_MAX_BYTES)
		return -E2BIG;
	memcpy(b.bytes, bytes, n);
	b.n_bytes = (uint8_t)n;
	*ret = b;
	return 0;
}

void buildid_to_hex(const struct buildid *b, char ret[static BUILDID_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < b->n_bytes; i++) {
		ret[n++] = digits[b->bytes[i] >> 4];
		ret[n++] = digits[b->bytes[i] & 15];
	}
	ret[n] = 0;
}

bool buildid_equal(const struct buildid *a, const struct buildid *b)
{
	return a->n_bytes == b->n_bytes && memcmp(a->bytes, b->bytes, a->n_bytes) == 0;
}
