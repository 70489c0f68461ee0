/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text of unit files: no setting lacks a section, no value holds a line's end, and programs are
 * told from any value within the room that there is.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit-text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static int on_setting(const char *section, const char *key, const char *value,
		      void *userdata)
{
	char small[8], program[256];
	const char *rest = value;
	int r;

	(void)userdata;
	check(section && !strchr(key, '=') && !strchr(value, '\n') && !strchr(key, '\n'));
	while (unit_next_word(&rest, small, sizeof(small)))
		check(strlen(small) < sizeof(small));
	r = unit_command_program(value, key, program, sizeof(program));
	check(r < 0 || strlen(program) < sizeof(program));
	r = unit_resolve_specifiers(value, key, small, sizeof(small));
	check(strlen(small) < sizeof(small));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(unit_text_parse((const char *)data, size, on_setting, NULL) == 0);
	return 0;
}
