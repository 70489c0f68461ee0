/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "macro.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_write(const uint8_t *data, size_t n)
{
	char *text = malloc(DIV_ROUND_UP(n, 3) * 4 + 1), *to = text;

	for (size_t i = 0; text && i < n; i += 3) {
		uint32_t bits = (uint32_t)data[i] << 16;

		bits |= i + 1 < n ? (uint32_t)data[i + 1] << 8 : 0;
		bits |= i + 2 < n ? data[i + 2] : 0;
		*to++ = alphabet[bits >> 18];
		*to++ = alphabet[bits >> 12 & 63];
		*to++ = i + 1 < n ? alphabet[bits >> 6 & 63] : '=';
		*to++ = i + 2 < n ? alphabet[bits & 63] : '=';
	}
	if (text)
		*to = 0;
	return text;
}

/* Of each character its value; 64: none of the alphabet. */
static void fill_values(uint8_t ret[static 256])
{
	memset(ret, 64, 256);
	for (uint8_t i = 0; i < 64; i++)
		ret[(unsigned char)alphabet[i]] = i;
}

int base64_read(const char *text, size_t bytes, uint8_t *ret, size_t *ret_n)
{
	size_t padding = 0, n = 0;
	uint8_t values[256];

	if (bytes == 0 || bytes % 4)
		return -EINVAL;
	while (padding < 2 && text[bytes - 1 - padding] == '=')
		padding++;
	fill_values(values);
	for (size_t i = 0; i < bytes; i += 4) {
		uint32_t bits = 0, bad = 0;

		for (size_t k = i; k < i + 4; k++) {
			uint32_t value =
				k < bytes - padding ? values[(unsigned char)text[k]] : 0;

			bad |= value & 64;
			bits = bits << 6 | value;
		}
		if (bad)
			return -EINVAL;
		ret[n++] = (uint8_t)(bits >> 16);
		ret[n++] = (uint8_t)(bits >> 8);
		ret[n++] = (uint8_t)bits;
	}
	*ret_n = n - padding;
	return 0;
}
