/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "boot-report.h"
#include "json-read.h"
#include "json-scan.h"

/* Members that are not there, or are no such number, are 0. */
static uint64_t get_uint(const struct json_value *report, const char *key)
{
	struct json_value v;
	int64_t n = 0;

	if (json_member(report, key, &v) && json_kind(&v) == JSON_INTEGER)
		n = json_integer(&v);
	return n > 0 ? (uint64_t)n : 0;
}

static double get_double(const struct json_value *report, const char *key)
{
	struct json_value v;
	double x = 0;

	if (json_member(report, key, &v) &&
	    (json_kind(&v) == JSON_FRACTION || json_kind(&v) == JSON_INTEGER))
		x = strtod(v.at, NULL);
	return x > 0 && x < 1e12 ? x : 0;
}

/* Words of ours; false, and "", for null and everything else. */
static bool get_word(const struct json_value *report, const char *key, char *ret,
		     size_t bytes)
{
	struct json_value v;
	size_t n = 0;

	if (json_member(report, key, &v) && json_kind(&v) == JSON_STRING)
		n = json_copy_string(v.at, v.end, ret, bytes);
	if (n > 0 && n < bytes && strspn(ret, "abcdefghijklmnopqrstuvwxyz ") == n)
		return true;
	*ret = 0;
	return false;
}

int boot_report_parse(const char *text, struct boot_report *ret)
{
	size_t bytes = strlen(text);
	struct boot_report r = { 0 };
	struct json_value root;
	struct diag unused;

	if (json_scan(text, bytes, NULL, &unused) < 0)
		return -EBADMSG;
	root = json_root(text, bytes);
	if (get_uint(&root, "elfcast") != 1 ||
	    !get_word(&root, "outcome", r.outcome, sizeof(r.outcome)))
		return -EBADMSG;
	get_word(&root, "stopped", r.stopped, sizeof(r.stopped));
	r.n_launches = get_uint(&root, "launches");
	r.n_objects = get_uint(&root, "objects");
	r.n_objects_used = get_uint(&root, "objects_used");
	r.asked_bytes = get_uint(&root, "asked_bytes");
	r.read_bytes = get_uint(&root, "read_bytes");
	r.there_bytes = get_uint(&root, "there_bytes");
	r.ms = get_double(&root, "ms");
	r.cpu_ms = get_double(&root, "cpu_ms");
	*ret = r;
	return 0;
}

unsigned boot_report_used_percent(const struct boot_report *r)
{
	if (strcmp(r->outcome, "read") != 0 || r->n_objects == 0)
		return 100;
	return r->n_objects_used >= r->n_objects
		       ? 100
		       : (unsigned)((double)r->n_objects_used * 100 / (double)r->n_objects);
}
