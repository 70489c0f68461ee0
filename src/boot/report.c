/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "boot.h"
#include "bounds.h"
#include "json-out.h"
#include "log.h"
#include "output-file.h"
#include "store.h"

/* For who reads the report from a pipe. */
#define REPORT_WAIT_MS 1000

static const char *const stop_names[] = {
	[BOOT_STOP_NONE] = "", /* null in JSON */
	[BOOT_STOP_DEADLINE] = "deadline",
	[BOOT_STOP_SIGNAL] = "signal",
	[BOOT_STOP_PRESSURE] = "memory pressure",
	[BOOT_STOP_MEMORY] = "memory reserve",
	[BOOT_STOP_BUDGET] = "byte budget",
};

static const char *const outcome_names[] = {
	[BOOT_UNFINISHED] = "left behind", [BOOT_READ] = "read",
	[BOOT_OFF] = "switched off",	   [BOOT_NO_PACK] = "no pack",
	[BOOT_BAD_PACK] = "bad pack",	   [BOOT_FAILED] = "failed",
};

/* The share is another process's to write. */
static enum boot_outcome outcome_of(const struct boot_share *share)
{
	unsigned outcome = (unsigned)share->outcome;

	return outcome < ARRAY_SIZE(outcome_names) ? (enum boot_outcome)outcome
						   : BOOT_UNFINISHED;
}

static const char *stop_name(const struct boot_end *end)
{
	return (unsigned)end->stop < ARRAY_SIZE(stop_names) ? stop_names[end->stop] : "";
}

static void pack_path(const struct boot_options *o, const struct boot_share *share,
		      char *ret, size_t bytes)
{
	const struct store store = { .usr = share->from_usr != 0 };

	if (o->pack)
		snprintf(ret, bytes, "%s", o->pack);
	else
		store_path(&store, STORE_PACK, NULL, ret, bytes);
}

static bool is_skipped(enum object_skip why)
{
	return why != OBJECT_USED && why != OBJECT_NO_PAGES;
}

static uint32_t count_skipped(const struct boot_share *share)
{
	uint32_t n = 0;

	for (enum object_skip i = OBJECT_USED; i < OBJECT_SKIPS; i++)
		n += is_skipped(i) ? share->n_skips[i] : 0;
	return n;
}

/* What the block layer was asked for also holds names and inodes: never less than nothing. */
static uint64_t bytes_there(uint64_t asked, uint64_t read)
{
	return asked > read ? asked - read : 0;
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

/* "2 gone, 1 changed": " (no such file…: 2; changed since it was compiled: 1)" */
static void describe_skips(const struct boot_share *share, char *ret, size_t bytes)
{
	size_t used = 0;

	ret[0] = 0;
	for (enum object_skip i = OBJECT_USED; i < OBJECT_SKIPS; i++) {
		int n;

		if (!is_skipped(i) || share->n_skips[i] == 0)
			continue;
		n = snprintf(ret + used, bytes - used, "%s%u %s", used ? "; " : " (",
			     share->n_skips[i], object_skip_text(i));
		if (n < 0 || (size_t)n >= bytes - used - 2)
			return;
		used += (size_t)n;
	}
	if (used)
		strcpy(ret + used, ")");
}

/* What a boot is in which that part is not read, although there is one. */
static const char *plan_note(const struct boot_share *share)
{
	switch ((enum boot_plan)share->plan) {
	case BOOT_PLAN_CONTROL:
		return ", a control boot";
	case BOOT_PLAN_UNUSED:
		return ", not all for the boot: it used little of it";
	case BOOT_PLAN_OFF:
		return ", nothing for the boot: it gained nothing";
	default:
		return "";
	}
}

static void log_read(const struct boot_share *share, const struct boot_end *end)
{
	uint64_t asked = share->data.pages_asked * PAGE_BYTES,
		 read = share->data.bytes_read;
	const char *stop = stop_name(end);
	char skips[512];

	describe_skips(share, skips, sizeof(skips));
	log_info("asked for %.1f of %.1f MiB for %u launch%s: %.1f read, %.1f there "
		 "already, "
		 "%u of %u objects skipped%s, %.2f s, CPU %.0f ms%s%s%s%s",
		 mib(asked), mib(share->n_pages * PAGE_BYTES), share->n_launches,
		 share->n_launches == 1 ? "" : "es", mib(read),
		 mib(bytes_there(asked, read)), count_skipped(share), share->n_objects,
		 skips, (double)end->elapsed_us / 1e6,
		 (double)(share->data.cpu_us + share->metadata.cpu_us) / 1e3,
		 plan_note(share), *stop ? ", stopped: " : "", stop,
		 end->left_behind ? ", a reader is stuck" : "");
}

/* A string of the share, which may lack its end. */
static const char *named_path(const struct boot_share *share, uint32_t i,
			      char ret[static BOOT_NAME_BYTES])
{
	memcpy(ret, share->named[i].path, BOOT_NAME_BYTES);
	ret[BOOT_NAME_BYTES - 1] = 0;
	return ret;
}

static uint32_t n_named(const struct boot_share *share)
{
	return MIN(share->n_named, (uint32_t)BOOT_NAMED);
}

void boot_log(const struct boot_options *o, const struct boot_share *share,
	      const struct boot_end *end)
{
	char path[LIMIT_PATH_BYTES + 1], name[BOOT_NAME_BYTES];

	pack_path(o, share, path, sizeof(path));
	switch (outcome_of(share)) {
	case BOOT_OFF:
		log_info("switched off in '%s'", store_config_path());
		return;
	case BOOT_NO_PACK:
		log_info("no pack '%s'", path);
		return;
	case BOOT_BAD_PACK:
		if (share->error == -EPERM) {
			log_error("nothing read: '%s' or its directory is not root's, or "
				  "others may write it",
				  path);
			return;
		}
		log_errno(share->error, "nothing read, 'elfcast compile' rebuilds '%s'",
			  path);
		return;
	case BOOT_FAILED:
		log_errno(share->error, "cannot read ahead");
		return;
	default:
		log_read(share, end);
	}
	for (uint32_t i = 0; i < n_named(share); i++)
		log_debug("%s: skipped: %s", named_path(share, i, name),
			  object_skip_text((enum object_skip)share->named[i].why));
}

static void put_skips(const struct boot_share *share)
{
	char name[BOOT_NAME_BYTES];

	json_open("skipped", '[');
	for (enum object_skip i = OBJECT_USED; i < OBJECT_SKIPS; i++) {
		if (!is_skipped(i) || share->n_skips[i] == 0)
			continue;
		json_open(NULL, '{');
		json_string("why", object_skip_text(i));
		json_uint("objects", share->n_skips[i]);
		json_close('}');
	}
	json_close(']');
	json_open("skipped_first", '[');
	for (uint32_t i = 0; i < n_named(share); i++) {
		json_open(NULL, '{');
		json_string("path", named_path(share, i, name));
		json_string("why", object_skip_text((enum object_skip)share->named[i].why));
		json_close('}');
	}
	json_close(']');
}

static void put_timeline(const char *key, const struct boot_timeline *t)
{
	json_open(key, '[');
	for (uint32_t i = 0; i < t->n; i++) {
		json_open(NULL, '[');
		json_uint(NULL, t->samples[i].us);
		json_uint(NULL, t->samples[i].asked_pages);
		json_uint(NULL, t->samples[i].read_kib);
		json_close(']');
	}
	json_close(']');
}

static void put_hex(const char *key, uint64_t x)
{
	char text[sizeof("0123456789abcdef")];

	snprintf(text, sizeof(text), "%016" PRIx64, x);
	json_string(key, text);
}

static void put_eager(const struct boot_share *share)
{
	json_open("eager", '{');
	put_hex("key", share->eager_key);
	json_uint("pack_bytes", share->n_eager_pages * PAGE_BYTES);
	json_uint("asked_bytes", share->data_eager.pages_asked * PAGE_BYTES);
	json_uint("read_bytes", share->data_eager.bytes_read);
	json_uint("early_asked_bytes", share->early_pages_asked * PAGE_BYTES);
	json_double("ms", (double)share->data_eager.us / 1e3);
	json_double("from_ms", (double)share->data_eager.from_us / 1e3);
	json_double("until_ms", (double)share->data_eager.until_us / 1e3);
	json_uint("passed_files", share->data_eager.n_passed);
	json_uint("used_files", share->data_eager.n_used);
	json_uint("metadata_asked_bytes", share->metadata_eager.pages_asked * PAGE_BYTES);
	json_uint("metadata_read_bytes", share->metadata_eager.bytes_read);
	json_double("metadata_ms", (double)share->metadata_eager.us / 1e3);
	json_close('}');
}

static void put_part(const char *name, const struct boot_counts *c, uint64_t us)
{
	json_open(name, '{');
	json_uint("asked_bytes", c->pages_asked * PAGE_BYTES);
	json_uint("read_bytes", c->bytes_read);
	json_double("ms", (double)us / 1e3);
	json_close('}');
}

static void put_report(const struct boot_options *o, const struct boot_share *share,
		       const struct boot_end *end)
{
	uint64_t asked = share->data.pages_asked * PAGE_BYTES,
		 read = share->data.bytes_read;
	const char *stop = stop_name(end);
	enum boot_outcome outcome = outcome_of(share);
	char path[LIMIT_PATH_BYTES + 1];

	pack_path(o, share, path, sizeof(path));
	json_open(NULL, '{');
	json_uint("elfcast", 1);
	json_string("pack", path);
	json_string("outcome", outcome_names[outcome]);
	if (outcome == BOOT_BAD_PACK || outcome == BOOT_FAILED)
		json_string("error", error_text(share->error));
	json_string("stopped", *stop ? stop : NULL);
	json_bool("left_behind", end->left_behind);
	json_uint("launches", share->n_launches);
	json_uint("objects", share->n_objects);
	json_uint("objects_used", share->n_skips[OBJECT_USED]);
	json_uint("pack_bytes", share->n_pages * PAGE_BYTES);
	put_hex("pack_sum", share->pack_sum);
	json_uint("asked_pages", asked / PAGE_BYTES);
	json_uint("asked_bytes", asked);
	json_uint("asked_extents", share->n_extents_asked);
	json_uint("read_bytes", read);
	json_uint("there_bytes", bytes_there(asked, read));
	json_string("plan", boot_plan_name((enum boot_plan)share->plan));
	put_eager(share);
	put_part("own", &share->own, share->own_eager.us);
	put_part("metadata", &share->metadata, share->metadata_us);
	put_skips(share);
	json_double("ms", (double)end->elapsed_us / 1e3);
	json_double("cpu_ms", (double)(share->data.cpu_us + share->metadata.cpu_us +
				       share->own.cpu_us) /
				      1e3);
	json_uint("yields", share->data.n_yields);
	json_double("yielded_ms", (double)share->data.yielded_us / 1e3);
	json_uint("deadline_ms", share->deadline_ms);
	json_uint("max_bytes", share->max_bytes);
	json_uint("reserve_bytes", o->reserve_bytes);
	json_string("boot_id", *end->boot_id ? end->boot_id : NULL);
	json_uint("start_us", end->start_us);
	json_open("timeline", '{');
	put_timeline("metadata", &share->metadata_timeline);
	put_timeline("own", &share->own_timeline);
	put_timeline("data", &share->data_timeline);
	json_close('}');
	json_close('}');
}

static int write_to_store(const struct boot_options *o, const char *data, size_t bytes)
{
	struct store store;
	bool written;
	int r = store_open(o->root, false, &store);

	if (r < 0)
		return r;
	r = store_put(&store, STORE_BOOT_REPORT, NULL, data, bytes, &written);
	store_done(&store);
	return r;
}

int boot_write_report(const struct boot_options *o, const struct boot_share *share,
		      const struct boot_end *end)
{
	_cleanup_free_ char *data = NULL;
	size_t bytes;
	FILE *f = open_memstream(&data, &bytes);

	if (!f)
		return -ENOMEM;
	json_to(f);
	put_report(o, share, end);
	json_to(NULL);
	if (fclose(f) != 0)
		return -ENOMEM;
	return o->report ? output_file_write(o->report, data, bytes, REPORT_WAIT_MS)
			 : write_to_store(o, data, bytes);
}
