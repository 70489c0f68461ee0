/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "unit-state.h"

static const char *const names[] = { "a.service", "b.service", "c.timer" };

/* As systemd 252 prints it. */
static const char text[] = "ActiveState=active\n"
			   "ConditionResult=yes\n"
			   "ConditionTimestampMonotonic=1700\n"
			   "Id=c.timer\n"
			   "LoadState=loaded\n"
			   "Result=success\n"
			   "UnitFileState=enabled\n"
			   "WantedBy=timers.target\n"
			   "\n"
			   "ActiveState=inactive\n"
			   "ConditionResult=no\n"
			   "ConditionTimestampMonotonic=0\n"
			   "Id=a.service\n"
			   "LoadState=loaded\n"
			   "Result=success\n"
			   "UnitFileState=disabled\n"
			   "WantedBy=\n"
			   "\n"
			   "ActiveState=inactive\n"
			   "Id=other.service\n"
			   "LoadState=not-found\n";

static struct unit_state one(const char *s)
{
	struct unit_state u[3];

	unit_states_parse(s, strlen(s), names, 3, u);
	return u[0];
}

static void test_states(void **state)
{
	struct unit_state u[3];

	(void)state;
	unit_states_parse(text, strlen(text), names, 3, u);
	assert_true(u[0].is_there && !u[0].is_enabled && !u[0].is_active &&
		    !u[0].has_failed && !u[0].is_refused && !u[0].is_masked);
	assert_false(u[1].is_there || u[1].is_enabled || u[1].is_active);
	assert_true(u[2].is_there && u[2].is_enabled && u[2].is_active && !u[2].is_refused);
	/* Wherever it ends. */
	for (size_t n = 0; n < strlen(text); n++) {
		unit_states_parse(text, n, names, 3, u);
		assert_false(u[1].is_there);
		assert_false(u[0].is_enabled);
	}
}

#define A "Id=a.service\n"

static void test_kinds(void **state)
{
	(void)state;
	assert_true(one(A "LoadState=masked\nUnitFileState=masked\n").is_masked);
	assert_false(one(A "LoadState=not-found\n").is_there);
	assert_true(one(A "LoadState=loaded\nUnitFileState=static\n").is_enabled);
	/* What a distribution links itself is wanted. */
	assert_true(one(A "UnitFileState=disabled\nWantedBy=x.target\n").is_enabled);
	assert_true(one(A "ActiveState=failed\nResult=exit-code\n").has_failed);
	/* Between two attempts of Restart=. */
	assert_true(one(A "ActiveState=activating\nResult=exit-code\n").has_failed);
	assert_false(one(A "ActiveState=activating\nResult=exit-code\n").is_active);
	assert_true(one(A "ActiveState=activating\nResult=success\n").is_active);
	assert_true(
		one(A "ConditionResult=no\nConditionTimestampMonotonic=9\n").is_refused);
	/* Keys and values are whole. */
	assert_false(one(A "LoadState=loaded2\n").is_there);
	assert_false(one("Id=a.service.d\nLoadState=loaded\n").is_there);
	assert_false(one(A "XLoadState=loaded\n").is_there);
	assert_false(one(A "LoadState\n").is_there);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_states),
					    cmocka_unit_test(test_kinds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
