/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot-report.h"

/* The value of a member of the outermost object, which alone is indented by two. */
static const char *find(const char *text, const char *key)
{
	char member[64];
	const char *p;
	int n = snprintf(member, sizeof(member), "\n  \"%s\": ", key);

	p = strstr(text, member);
	return p ? p + n : NULL;
}

static uint64_t get_uint(const char *text, const char *key)
{
	const char *p = find(text, key);

	return p && *p >= '0' && *p <= '9' ? strtoull(p, NULL, 10) : 0;
}

static double get_double(const char *text, const char *key)
{
	const char *p = find(text, key);
	double x = p && *p >= '0' && *p <= '9' ? strtod(p, NULL) : 0;

	return x < 1e12 ? x : 0;
}

/* Words of ours, without escapes; null is "". */
static bool get_word(const char *text, const char *key, char *ret, size_t bytes)
{
	const char *p = find(text, key);
	size_t n;

	*ret = 0;
	if (!p || *p != '"')
		return false;
	n = strspn(++p, "abcdefghijklmnopqrstuvwxyz ");
	if (p[n] != '"' || n >= bytes)
		return false;
	memcpy(ret, p, n);
	ret[n] = 0;
	return true;
}

int boot_report_parse(const char *text, struct boot_report *ret)
{
	struct boot_report r = {
		.n_launches = get_uint(text, "launches"),
		.n_objects = get_uint(text, "objects"),
		.n_objects_used = get_uint(text, "objects_used"),
		.asked_bytes = get_uint(text, "asked_bytes"),
		.read_bytes = get_uint(text, "read_bytes"),
		.there_bytes = get_uint(text, "there_bytes"),
		.ms = get_double(text, "ms"),
		.cpu_ms = get_double(text, "cpu_ms"),
	};

	if (get_uint(text, "elfcast") != 1 ||
	    !get_word(text, "outcome", r.outcome, sizeof(r.outcome)))
		return -EBADMSG;
	get_word(text, "stopped", r.stopped, sizeof(r.stopped));
	*ret = r;
	return 0;
}
