/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemctl prints of units, and of the manager: in order, plain, never begun at 0; and their states. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "unit-state.h"
#include "unit-times.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_unit(const struct unit_time *u)
{
	check(*u->name && utf8_is_plain(u->name) && strlen(u->name) < UNIT_NAME_BYTES);
	check(u->begin_us > 0);
	check(!u->program || (*u->program == '/' && utf8_is_plain(u->program)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "a.service", "b.timer" };
	struct unit_state states[2];
	struct boot_times b;
	struct unit_times t;

	if (unit_times_parse((const char *)data, size, &t) == 0)
		for (size_t i = 0; i < t.n; i++) {
			check_unit(&t.items[i]);
			check(i == 0 || t.items[i].begin_us >= t.items[i - 1].begin_us);
		}
	check(t.n <= LIMIT_UNITS);
	unit_times_done(&t);
	boot_times_parse((const char *)data, size, &b);
	unit_states_parse((const char *)data, size, names, 2, states);
	for (int i = 0; i < 2; i++)
		check(!(states[i].is_there && states[i].is_masked) &&
		      !(states[i].is_active && states[i].has_failed));
	return 0;
}
