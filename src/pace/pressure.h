/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the machine's memory is short. The kernel tells that somebody waits for memory, but
 * not why: mostly a service has reached a limit of its own, and thrashes in it. That is no
 * memory which reading less would give back. Only when the kernel takes pages from everyone,
 * what is read ahead pushes out what others need. libc only.
 */
#ifndef ELFCAST_PRESSURE_H
#define ELFCAST_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

struct pressure {
	int fd; /* polls POLLPRI when somebody waits for memory; -1: this kernel does not tell */
	uint64_t scanned; /* pages, when it was opened */
};

/* Reads /proc only. */
struct pressure pressure_open(void);
/* After POLLPRI. True: pages have been taken from everyone since pressure_open(). */
bool pressure_is_everyones(const struct pressure *p);

/*
 * Pages that the kernel looked at to take them from everyone: of the text of /proc/vmstat. A
 * cgroup that reclaims from itself does not count there (mm/vmscan.c, Linux 5.2 and later).
 */
uint64_t pressure_count_scanned(const char *vmstat);

/*
 * For who looks now and then: tasks wait for memory, a fifth of the last ten seconds, and pages
 * have been taken from everyone since the last time that it was so; *SCANNED is 0 at first.
 */
bool pressure_is_high(uint64_t *scanned);
/* Hundredths of a percent: of the text of /proc/pressure/memory, some tasks, ten seconds. */
unsigned pressure_of_text(const char *text);

#endif
