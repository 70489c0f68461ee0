/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Units as systemd would load them: file, drop-ins, .wants and .requires. Read from disk alone,
 * so that it works for a machine that is not running; of a running one, what generators made
 * for this boot is in /run. libc only.
 */
#ifndef ELFCAST_UNIT_LOAD_H
#define ELFCAST_UNIT_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "unit-paths.h"

struct unit {
	char *name; /* what aliases lead to */
	bool found; /* there is a file of it, and it is not masked */
	bool default_dependencies, on_bus;
	bool cannot_start;	/* a condition that files decide does not hold */
	struct name_list needs; /* Wants=, Requires=, …, and the directories */
	struct name_list after, before;
	struct name_list
		commands; /* values of ExecCondition=, ExecStartPre=, ExecStart=, … */
	struct name_list services; /* Service= of a socket */
};

/* The unit called NAME, whatever it is. *RET is to be freed in any case. -ENOMEM. */
int unit_load(const struct unit_paths *p, const char *name, struct unit *ret);
void unit_done(struct unit *u);

#endif
