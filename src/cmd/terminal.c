/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "macro.h"
#include "terminal.h"

/* Of columns that somebody can mean. */
#define MOST 10000u

/* 0: $COLUMNS does not say. */
static unsigned columns_of_environment(void)
{
	const char *value = getenv("COLUMNS");
	char *end = NULL;
	unsigned long n = value ? strtoul(value, &end, 10) : 0;

	return value && *value >= '0' && *value <= '9' && !*end && n <= MOST ? (unsigned)n
									     : 0;
}

unsigned terminal_columns(int fd)
{
	struct winsize size;
	unsigned n = columns_of_environment();

	if (n > 0)
		return n;
	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return UINT_MAX;
	return size.ws_col;
}

bool terminal_has_colour(int fd)
{
	const char *no_colour = getenv("NO_COLOR");

	return isatty(fd) && !(no_colour && *no_colour);
}

/* The first of these that is set counts, as in setlocale(3), which would load a locale for that. */
bool terminal_has_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]),
			   *dot = value ? strchr(value, '.') : NULL;

		if (value && *value)
			return dot && (strncasecmp(dot, ".utf-8", 6) == 0 ||
				       strncasecmp(dot, ".utf8", 5) == 0);
	}
	return false;
}
