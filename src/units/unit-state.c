/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "macro.h"
#include "unit-state.h"

enum key {
	KEY_ID,
	KEY_LOAD,
	KEY_ACTIVE,
	KEY_FILE,
	KEY_WANTED_BY,
	KEY_RESULT,
	KEY_CONDITION,
	KEY_TRIED,
	KEYS,
};

static const char *const keys[KEYS] = {
	[KEY_ID] = "Id",
	[KEY_LOAD] = "LoadState",
	[KEY_ACTIVE] = "ActiveState",
	[KEY_FILE] = "UnitFileState",
	[KEY_WANTED_BY] = "WantedBy",
	[KEY_RESULT] = "Result",
	[KEY_CONDITION] = "ConditionResult",
	[KEY_TRIED] = "ConditionTimestampMonotonic",
};

const char *unit_state_properties(void)
{
	return "Id,LoadState,ActiveState,UnitFileState,WantedBy,Result,ConditionResult,"
	       "ConditionTimestampMonotonic";
}

/* A value in the text. */
struct span {
	const char *s;
	size_t n;
};

static bool is(struct span value, const char *text)
{
	return value.n == strlen(text) && memcmp(value.s, text, value.n) == 0;
}

/* Of several lines the last one counts. */
static void take_line(const char *line, size_t n, struct span values[static KEYS])
{
	const char *equals = memchr(line, '=', n);

	for (size_t i = 0; equals && i < KEYS; i++)
		if (is((struct span){ line, (size_t)(equals - line) }, keys[i]))
			values[i] = (struct span){ equals + 1,
						   (size_t)(line + n - equals) - 1 };
}

/* A unit with [Install] that a distribution links itself is "disabled", and yet wanted. */
static struct unit_state judge(const struct span values[static KEYS])
{
	struct span active = values[KEY_ACTIVE], file = values[KEY_FILE],
		    result = values[KEY_RESULT];
	bool is_starting = is(active, "activating") || is(active, "reloading");
	bool is_bad = result.n > 0 && !is(result, "success");

	return (struct unit_state){
		.is_there = is(values[KEY_LOAD], "loaded"),
		.is_masked = is(values[KEY_LOAD], "masked"),
		.is_enabled = is(file, "enabled") || is(file, "enabled-runtime") ||
			      is(file, "static") || values[KEY_WANTED_BY].n > 0,
		.is_active = is(active, "active") || (is_starting && !is_bad),
		.has_failed = is(active, "failed") || (is_starting && is_bad),
		.is_refused = is(values[KEY_CONDITION], "no") && values[KEY_TRIED].n > 0 &&
			      !is(values[KEY_TRIED], "0"),
	};
}

static void end_block(struct span values[static KEYS], const char *const names[], size_t n,
		      struct unit_state ret[])
{
	for (size_t i = 0; i < n; i++)
		if (is(values[KEY_ID], names[i]))
			ret[i] = judge(values);
	memset(values, 0, KEYS * sizeof(*values));
}

void unit_states_parse(const char *text, size_t bytes, const char *const names[], size_t n,
		       struct unit_state ret[])
{
	struct span values[KEYS] = { 0 };
	const char *end = text + bytes;

	memset(ret, 0, n * sizeof(*ret));
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;

		if (line_end == text)
			end_block(values, names, n, ret);
		else
			take_line(text, (size_t)(line_end - text), values);
		text = line_end + 1;
	}
	end_block(values, names, n, ret);
}
