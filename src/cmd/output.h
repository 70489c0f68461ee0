/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where verbs write what they made: as output_file_write() does. 0 or negative errno, logged. */
#ifndef ELFCAST_OUTPUT_H
#define ELFCAST_OUTPUT_H

#include <stdio.h>

#include "profile.h"

/* PATH NULL or "-": standard output. */
int output_text(const char *path, const char *text, size_t bytes);
/* What WRITE makes of OF. */
int output_built(const char *path, void (*write)(const void *of, FILE *f), const void *of);
int output_profile(const char *path, const struct profile *p);

#endif
