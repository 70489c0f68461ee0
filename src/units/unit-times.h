/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When units started, as systemd tells it: the text of 'systemctl show'. Unit names are
 * nobody's word: what is no plain text is left out. libc only.
 */
#ifndef ELFCAST_UNIT_TIMES_H
#define ELFCAST_UNIT_TIMES_H

#include <stddef.h>
#include <stdint.h>

#include "unit-paths.h"

/* Microseconds of CLOCK_MONOTONIC; 0: never. */
struct unit_time {
	char name[UNIT_NAME_BYTES];
	uint64_t begin_us;  /* it began to start */
	uint64_t active_us; /* it had started */
	uint64_t main_us;   /* its main process was executed */
	char *program;	    /* that is executed, as its unit names it; NULL: none */
};

struct unit_times {
	struct unit_time *items; /* in the order of begin_us, then by name */
	size_t n, capacity;
};

/* What process 1 says of the boot. */
struct boot_times {
	uint64_t
		userspace_us; /* it was started; 0 is a time, in a machine that starts with it */
	uint64_t finish_us; /* nothing was left to start; 0: not yet */
	uint64_t initrd_us; /* the one in an initramfs was; 0: there was none */
};

/*
 * A block of KEY=VALUE lines for each unit, with an empty line between two. Units that never
 * began to start are left out. -E2BIG: over LIMIT_UNITS; -ENOMEM. *RET is to be freed in any case.
 */
int unit_times_parse(const char *text, size_t bytes, struct unit_times *ret);
void unit_times_done(struct unit_times *t);

/* Of the block of the manager itself. -EBADMSG: it does not say when it was started. */
int boot_times_parse(const char *text, size_t bytes, struct boot_times *ret);

/*
 * From when the boot is counted, of which process 1 began at PROCESS_US: from there, since whoever reads
 * ahead from before systemd on, as init=, has it started later. In an initramfs somebody may have
 * typed a password: where there was one, the boot begins with the system's own systemd.
 */
uint64_t boot_times_start_us(const struct boot_times *t, uint64_t process_us);

/* In their order: what 'systemctl show --property=' is to be asked for. */
const char *unit_times_properties(void);
const char *boot_times_properties(void);

#endif
