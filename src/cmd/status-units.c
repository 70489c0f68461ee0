/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "status-look.h"
#include "status-units.h"
#include "systemd.h"

/* Whoever looks does not wait long for a systemd that hangs. */
#define ASK_TIMEOUT_MS 3000u

static const char *const names[STATUS_UNITS] = {
	[UNIT_BOOT] = "elfcast-boot.service",
	[UNIT_BOOT_EARLY] = "elfcast-boot-early.service",
	[UNIT_BOOT_NOTE] = "elfcast-boot-note.timer",
	[UNIT_COMPILE] = "elfcast-compile.timer",
	[UNIT_TRAIN] = "elfcast-train-auto.service",
	[UNIT_TRAIN_END] = "elfcast-train-auto-end.timer",
	[UNIT_WATCHER] = "elfcastd.service",
};

void status_units_look(struct unit_state ret[static STATUS_UNITS])
{
	if (systemd_ask_states(names, STATUS_UNITS, clock_in_ms(ASK_TIMEOUT_MS), ret) < 0)
		memset(ret, 0, STATUS_UNITS * sizeof(*ret));
}

/* ---- what is to be mended ---- */

/* As elfcast.conf has it. */
static bool is_wanted(const struct overview *o, enum status_unit unit)
{
	switch (unit) {
	case UNIT_BOOT:
	case UNIT_BOOT_EARLY:
	case UNIT_BOOT_NOTE:
		return o->boot_allowed && !o->is_container;
	case UNIT_TRAIN:
	case UNIT_TRAIN_END:
		return o->boot_allowed && o->train_allowed && !o->is_container;
	case UNIT_COMPILE:
		return true;
	default: /* the watcher is told of by itself */
		return false;
	}
}

/* Whoever masked a unit meant it. */
static void find_disabled(const struct overview *o, struct status_problems *p)
{
	char command[512] = "systemctl enable";
	bool is_boot = false;
	size_t n = 0;

	for (enum status_unit i = 0; i < STATUS_UNITS; i++) {
		const struct unit_state *u = &o->units[i];
		size_t at = strlen(command);

		if (!is_wanted(o, i) || !u->is_there || u->is_enabled)
			continue;
		snprintf(command + at, sizeof(command) - at, " %s", names[i]);
		is_boot |= i == UNIT_BOOT || i == UNIT_BOOT_EARLY;
		n++;
	}
	if (n > 0)
		status_add_problem(
			p, "not-enabled", false, command, "%s",
			is_boot ? "units that read ahead at boot are not enabled"
				: "units that keep elfcast up to date are not enabled");
}

void status_find_boot_problems(const struct overview *o, struct status_problems *p)
{
	char command[64];

	find_disabled(o, p);
	for (enum status_unit i = 0; i < STATUS_UNITS; i++) {
		if (!is_wanted(o, i) || !o->units[i].has_failed)
			continue;
		snprintf(command, sizeof(command), "systemctl status %s", names[i]);
		status_add_problem(p, "unit-failed", false, command, "%s has failed",
				   names[i]);
	}
}

/* It does not run, and elfcast.conf does not say that it shall not. */
void status_find_watcher_problems(const struct overview *o, struct status_problems *p)
{
	static const char look[] = "systemctl status elfcastd", kind[] = "not-watched",
			  what[] = "launches are not read ahead and not counted";
	const struct unit_state *u = &o->units[UNIT_WATCHER];

	if (u->has_failed)
		status_add_problem(p, "watcher-failed", false, "journalctl -u elfcastd",
				   "elfcastd fails: %s", what);
	else if (u->is_masked)
		status_add_problem(p, kind, true, look, "elfcastd is masked: %s", what);
	else if (u->is_refused && u->is_enabled)
		status_add_problem(p, kind, true, look,
				   "elfcastd is enabled, and not for this boot: %s", what);
	else if (u->is_enabled && !u->is_active)
		status_add_problem(p, kind, true, "systemctl start elfcastd",
				   "elfcastd is enabled, and does not run: %s", what);
	else if (u->is_there && !u->is_enabled)
		status_add_problem(p, kind, true, "systemctl enable --now elfcastd", "%s",
				   what);
}
