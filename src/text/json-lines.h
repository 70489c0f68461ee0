/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON Lines: one text after the other, each ended by a newline; memory for one of them. */
#ifndef ELFCAST_JSON_LINES_H
#define ELFCAST_JSON_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero but FD, which is borrowed. */
struct json_lines {
	int fd;
	uint64_t n_line; /* of the line that was given last, from 1 */
	char *buffer;
	size_t start, end; /* what was read and not given yet */
	bool is_over;
};

/*
 * The next line that is not blank, valid until the next call; the last one needs no newline. 1; 0: there
 * is none; -E2BIG: it is longer than LIMIT_PROFILE_BYTES; -ENOMEM, -EIO, …
 */
int json_lines_next(struct json_lines *l, const char **ret, size_t *ret_bytes);
void json_lines_done(struct json_lines *l);

#endif
