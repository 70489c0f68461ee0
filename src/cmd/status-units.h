/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Part of elfcast status: whether systemd starts what is ours here. */
#ifndef ELFCAST_STATUS_UNITS_H
#define ELFCAST_STATUS_UNITS_H

#include "unit-state.h"

enum status_unit {
	UNIT_BOOT,
	UNIT_BOOT_EARLY,
	UNIT_BOOT_NOTE,
	UNIT_COMPILE,
	UNIT_TRAIN,
	UNIT_TRAIN_END,
	UNIT_WATCHER,
	STATUS_UNITS,
};

/* Nothing is known where no systemd runs the machine, or it does not answer. */
void status_units_look(struct unit_state ret[static STATUS_UNITS]);

#endif
