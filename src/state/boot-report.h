/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The report that elfcast-prefetch leaves in /run after a boot, as far as status shows it: see
 * elfcast-prefetch(8).
 */
#ifndef ELFCAST_BOOT_REPORT_H
#define ELFCAST_BOOT_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "boots.h"

struct shadow_buffer;

/* What had been asked for and read, US after the start of the prefetch. */
struct boot_moment {
	uint64_t us, asked_bytes, read_bytes;
};

struct boot_moments {
	struct boot_moment *items; /* in order */
	size_t n;
};

struct boot_report {
	char outcome[32]; /* "read", "no pack", … */
	char stopped[32]; /* "deadline", "signal", …; "": ran to its end */
	uint64_t n_launches, n_objects, n_objects_used;
	uint64_t asked_bytes, read_bytes, there_bytes;
	double ms, cpu_ms;
	enum boot_plan plan;
	uint64_t key;		      /* as in the log of boots */
	uint64_t pack_sum;	      /* shadow_buffer_sum() of the pack; 0: not known */
	uint64_t own_bytes;	      /* of that, of this machine's own files */
	uint64_t eager_bytes;	      /* read for the boot, the file systems' own with it */
	uint64_t eager_asked_bytes;   /* of files */
	uint64_t metadata_read_bytes; /* the file systems' own, of both parts */
	double eager_ms;	      /* when all of that was there */
	double all_ms;		      /* and when everything was, since start_us */
	uint64_t start_us;	      /* CLOCK_MONOTONIC */
	char boot_id[BOOT_ID_BYTES + 1]; /* "": not known */
	struct boot_moments own;
	struct boot_moments metadata, data; /* the file systems' own, and files */
};

/*
 * TEXT ends with a NUL. Members that are not there are 0, "" or empty. -EBADMSG: no report;
 * -ENOMEM. *RET is to be freed when 0 was returned.
 */
int boot_report_parse(const char *text, struct boot_report *ret);
void boot_report_done(struct boot_report *r);
/* This boot's. -ENOENT: there is none. */
int boot_report_load(const struct store *s, struct boot_report *ret);

/*
 * The pack that R's boot has read; another one may have taken its place for the next boot. -ENOENT: none
 * was read; -ESTALE: it is not there any more.
 */
int boot_report_load_pack(const struct store *s, const struct boot_report *r,
			  struct shadow_buffer *ret);
/* The same of this boot's report; -ENOENT also: there is none. */
int boot_report_find_pack(const struct store *s, struct shadow_buffer *ret);
/* Before DATA (NULL: none) takes the pack's place: keep the one that this boot has read, where that can be. */
void boot_report_keep_pack(const struct store *s, const uint8_t *data, size_t bytes);

/* Of the pack's files, those that were as it says; 100 where there was no pack to be read. */
unsigned boot_report_used_percent(const struct boot_report *r);

#endif
