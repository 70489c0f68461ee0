/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "macro.h"
#include "text-out.h"
#include "utf8.h"

void text_put(const char *s)
{
	size_t left = strlen(s), n;

	while (left > 0) {
		n = utf8_plain(s, left);
		fwrite(s, 1, n, stdout);
		if (n == left)
			break;
		putchar('?');
		n += MAX(utf8_length(s + n, left - n), (size_t)1);
		s += n;
		left -= n;
	}
}

void text_put_launch(const char *program, const char *scenario, const char *profile)
{
	text_put(program);
	if (strcmp(scenario, "default") != 0) {
		fputs(", ", stdout);
		text_put(scenario);
	}
	if (profile) {
		fputs(" [", stdout);
		text_put(profile);
		putchar(']');
	}
}

void text_time(uint64_t s, char *ret, size_t bytes)
{
	time_t t = (time_t)s;
	struct tm tm;

	if (s == 0 || !localtime_r(&t, &tm) ||
	    strftime(ret, bytes, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(ret, bytes, "-");
}
