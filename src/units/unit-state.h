/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether units are enabled and run, as systemd tells it: the text of 'systemctl show'. libc only. */
#ifndef ELFCAST_UNIT_STATE_H
#define ELFCAST_UNIT_STATE_H

#include <stdbool.h>
#include <stddef.h>

/* All false: nothing is known. */
struct unit_state {
	bool is_there; /* there is a file of it, and it can be read */
	bool is_masked;
	bool is_enabled; /* or something else starts it */
	bool is_active;	 /* or about to be */
	bool has_failed; /* the last time; it may be tried again */
	bool is_refused; /* its conditions did not hold the last time */
};

/*
 * A block of KEY=VALUE lines for each unit, with an empty line between two. RET[i] is NAMES[i], which is a
 * whole name; of what is not asked for nothing is taken.
 */
void unit_states_parse(const char *text, size_t bytes, const char *const names[], size_t n,
		       struct unit_state ret[]);

/* What 'systemctl show --property=' is to be asked for. */
const char *unit_state_properties(void);

#endif
