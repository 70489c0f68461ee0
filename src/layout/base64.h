/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes as text, with the alphabet and the padding of RFC 4648. */
#ifndef ELFCAST_BASE64_H
#define ELFCAST_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* New; NULL: no memory. */
char *base64_write(const uint8_t *data, size_t n);
/* RET has room for BYTES / 4 * 3; *ret_n are fewer where it is padded. -EINVAL. */
int base64_read(const char *text, size_t bytes, uint8_t *ret, size_t *ret_n);

#endif
