/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The report that elfcast-prefetch leaves in /run after a boot, as far as status shows it: see
 * elfcast-prefetch(8).
 */
#ifndef ELFCAST_BOOT_REPORT_H
#define ELFCAST_BOOT_REPORT_H

#include <stdint.h>

struct boot_report {
	char outcome[32]; /* "read", "no pack", … */
	char stopped[32]; /* "deadline", "signal", …; "": ran to its end */
	uint64_t n_launches, n_objects, n_objects_used;
	uint64_t asked_bytes, read_bytes, there_bytes;
	double ms, cpu_ms;
};

/* TEXT ends with a NUL. Members that are not there are 0 or "". -EBADMSG: no report. */
int boot_report_parse(const char *text, struct boot_report *ret);

/* Of the pack's files, those that were as it says; 100 where there was no pack to be read. */
unsigned boot_report_used_percent(const struct boot_report *r);

#endif
