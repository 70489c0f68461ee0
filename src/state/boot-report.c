/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "boot-report.h"
#include "bounds.h"
#include "json-read.h"
#include "json-scan.h"
#include "shadow-read.h"

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

static void get_boot_id(const struct json_value *report, char ret[static BOOT_ID_BYTES + 1])
{
	struct json_value v;

	if (!json_member(report, "boot_id", &v) || json_kind(&v) != JSON_STRING ||
	    json_copy_string(v.at, v.end, ret, BOOT_ID_BYTES + 1) != BOOT_ID_BYTES ||
	    strspn(ret, "0123456789abcdef-") != BOOT_ID_BYTES)
		*ret = 0;
}

static uint64_t get_hex(const struct json_value *of, const char *key)
{
	char text[17];
	struct json_value v;

	if (!json_member(of, key, &v) || json_kind(&v) != JSON_STRING ||
	    json_copy_string(v.at, v.end, text, sizeof(text)) != 16 ||
	    strspn(text, "0123456789abcdef") != 16)
		return 0;
	return strtoull(text, NULL, 16);
}

/* What the eager part came to. */
static void get_eager(const struct json_value *report, struct boot_report *r)
{
	struct json_value eager, metadata, own;
	double ms, metadata_ms;

	if (!json_member(report, "eager", &eager))
		return;
	r->key = get_hex(&eager, "key");
	r->eager_asked_bytes = get_uint(&eager, "asked_bytes");
	r->eager_bytes = MIN(get_uint(&eager, "read_bytes"), LIMIT_BOOT_BYTES / 2) +
			 MIN(get_uint(&eager, "metadata_read_bytes"), LIMIT_BOOT_BYTES / 2);
	/* Where there were two runs, "ms" leaves out what lies between. */
	ms = get_double(&eager, "until_ms") - (double)r->start_us / 1000;
	if (get_double(&eager, "until_ms") == 0)
		ms = get_double(&eager, "ms");
	metadata_ms = get_double(&eager, "metadata_ms");
	r->eager_ms = MAX(MAX(ms, metadata_ms), 0.0);
	if (json_member(report, "own", &own)) {
		double own_ms = get_double(&own, "ms");

		r->own_bytes = MIN(get_uint(&own, "read_bytes"), LIMIT_BOOT_BYTES / 4);
		r->eager_bytes = MIN(r->eager_bytes, LIMIT_BOOT_BYTES / 2) + r->own_bytes;
		r->eager_ms = MAX(r->eager_ms, own_ms);
	}
	if (json_member(report, "metadata", &metadata))
		r->metadata_read_bytes = get_uint(&metadata, "read_bytes");
}

/* "[US, PAGES, KIB]"; times that go back are none. */
static bool get_moment(const struct json_value *list, struct boot_moment *ret)
{
	static const int64_t most[] = { INT64_C(1000) * LIMIT_WINDOW_MS, UINT32_MAX,
					UINT32_MAX };
	int64_t numbers[ARRAY_SIZE(most)];
	struct json_value v;
	bool has;

	if (json_kind(list) != JSON_ARRAY || json_count(list) != ARRAY_SIZE(most))
		return false;
	has = json_first(list, &v);
	for (size_t i = 0; has && i < ARRAY_SIZE(most); i++, has = json_next(&v)) {
		numbers[i] = json_kind(&v) == JSON_INTEGER ? json_integer(&v) : -1;
		if (numbers[i] < 0 || numbers[i] > most[i])
			return false;
	}
	*ret = (struct boot_moment){ (uint64_t)numbers[0],
				     (uint64_t)numbers[1] * PAGE_BYTES,
				     (uint64_t)numbers[2] << 10 };
	return true;
}

static int get_moments(const struct json_value *report, const char *key,
		       struct boot_moments *ret)
{
	struct json_value timeline, list, v;
	bool has;

	if (!json_member(report, "timeline", &timeline) ||
	    !json_member(&timeline, key, &list) || json_kind(&list) != JSON_ARRAY)
		return 0;
	ret->items = calloc(LIMIT_BOOT_MOMENTS, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	for (has = json_first(&list, &v); has && ret->n < LIMIT_BOOT_MOMENTS;
	     has = json_next(&v)) {
		struct boot_moment *m = &ret->items[ret->n];

		if (!get_moment(&v, m) || (ret->n > 0 && m->us < m[-1].us))
			break;
		ret->n++;
	}
	return 0;
}

static double end_ms(const struct boot_moments *m)
{
	return m->n > 0 ? (double)m->items[m->n - 1].us / 1000 : 0;
}

void boot_report_done(struct boot_report *r)
{
	free(r->metadata.items);
	free(r->own.items);
	free(r->data.items);
	r->metadata = r->own = r->data = (struct boot_moments){ 0 };
}

int boot_report_parse(const char *text, struct boot_report *ret)
{
	size_t bytes = strlen(text);
	struct boot_report r = { 0 };
	struct json_value root;
	struct diag unused;
	char plan[16];
	int error;

	if (json_scan(text, bytes, NULL, &unused) < 0)
		return -EBADMSG;
	root = json_root(text, bytes, &(struct json_seen){ 0 });
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
	get_word(&root, "plan", plan, sizeof(plan));
	boot_plan_from_name(plan, &r.plan);
	get_boot_id(&root, r.boot_id);
	r.pack_sum = get_hex(&root, "pack_sum");
	r.start_us = get_uint(&root, "start_us");
	get_eager(&root, &r);
	error = get_moments(&root, "metadata", &r.metadata);
	if (error == 0)
		error = get_moments(&root, "own", &r.own);
	if (error == 0)
		error = get_moments(&root, "data", &r.data);
	if (error < 0) {
		boot_report_done(&r);
		return error;
	}
	r.all_ms = MAX(r.ms, MAX(end_ms(&r.metadata), end_ms(&r.data)));
	*ret = r;
	return 0;
}

int boot_report_load(const struct store *s, struct boot_report *ret)
{
	_cleanup_free_ uint8_t *text = NULL;
	size_t bytes;
	int r = store_read(s, STORE_BOOT_REPORT, NULL, &text, &bytes);

	return r < 0 ? r : boot_report_parse((char *)text, ret);
}

static int load_pack(const struct store *s, enum store_file file, uint64_t sum,
		     struct shadow_buffer *ret)
{
	struct shadow_buffer b = { 0 };
	int r = store_load(s, file, NULL, &b);

	if (r == 0 && shadow_buffer_sum(&b) == sum) {
		*ret = b;
		return 0;
	}
	shadow_buffer_done(&b);
	return r == -ENOMEM ? r : -ESTALE;
}

int boot_report_load_pack(const struct store *s, const struct boot_report *r,
			  struct shadow_buffer *ret)
{
	int error;

	if (r->n_launches == 0)
		return -ENOENT;
	error = load_pack(s, STORE_PACK, r->pack_sum, ret);
	return error == -ESTALE ? load_pack(s, STORE_PACK_READ, r->pack_sum, ret) : error;
}

int boot_report_find_pack(const struct store *s, struct shadow_buffer *ret)
{
	struct boot_report report;
	int r = boot_report_load(s, &report);

	if (r < 0)
		return r;
	r = boot_report_load_pack(s, &report, ret);
	boot_report_done(&report);
	return r;
}

/* What compiles need not have a /run that it may write to: then nobody knows later. */
void boot_report_keep_pack(const struct store *s, const uint8_t *data, size_t bytes)
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer pack = { 0 };
	struct boot_report r;
	bool written;

	if (boot_report_load(s, &r) < 0)
		return;
	if (load_pack(s, STORE_PACK, r.pack_sum, &pack) == 0 &&
	    (!data || pack.bytes != bytes || memcmp(pack.data, data, bytes) != 0))
		store_put(s, STORE_PACK_READ, NULL, pack.data, pack.bytes, &written);
	boot_report_done(&r);
}

unsigned boot_report_used_percent(const struct boot_report *r)
{
	if (strcmp(r->outcome, "read") != 0 || r->n_objects == 0)
		return 100;
	return r->n_objects_used >= r->n_objects
		       ? 100
		       : (unsigned)((double)r->n_objects_used * 100 / (double)r->n_objects);
}
