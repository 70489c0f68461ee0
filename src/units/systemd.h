/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks the systemd that runs this machine, by systemctl, which may hang with it: each question
 * has a deadline. The only file that knows how that is called. libc only.
 */
#ifndef ELFCAST_SYSTEMD_H
#define ELFCAST_SYSTEMD_H

#include <stdint.h>
#include <sys/types.h>

#include "unit-state.h"
#include "unit-times.h"

/*
 * -ENOENT: no systemctl; -ETIMEDOUT: at the moment UNTIL_US (clock.h); -EIO: it does not run
 * the machine; -EBADMSG, …
 */
int systemd_ask_boot(uint64_t until_us, struct boot_times *ret);
/* *RET is to be freed in any case. */
int systemd_ask_units(uint64_t until_us, struct unit_times *ret);
/* The main process of the service UNIT; 0: it does not run. -ENOENT: also, there is no such unit. */
int systemd_ask_service(const char *unit, uint64_t until_us, pid_t *ret);
/* RET[i]: how NAMES[i] is, a whole name; nothing is known of what systemd does not know. */
int systemd_ask_states(const char *const names[], size_t n, uint64_t until_us,
		       struct unit_state ret[]);
/* Start UNIT, and wait until it has started. -EIO: it did not. */
int systemd_start(const char *unit, uint64_t until_us);
/* When the default target was reached; 0: not (yet), or another one was booted. */
int systemd_ask_default_target(uint64_t until_us, uint64_t *ret_us);
/* What went wrong when it was asked, for people. */
const char *systemd_error_text(int error);

#endif
