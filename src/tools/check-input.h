/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files named on the command line, opened before anything of any is read. */
#ifndef ELFCAST_CHECK_INPUT_H
#define ELFCAST_CHECK_INPUT_H

#include <stdbool.h>

struct input {
	int fd; /* or negative errno */
	bool is_dir;
};

/* For as many files at once as the system allows. */
void input_raise_limit(void);

void input_open(const char *path, struct input *ret);
void input_close(struct input *input);

/* Its descriptor, borrowed, or negative errno. Opens it if there were too many before. */
int input_take(const char *path, struct input *input);

#endif
