/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "unit-times.h"

/* As systemd 252 prints it. */
static const char text[] =
	"ExecMainStartTimestampMonotonic=2500\n"
	"ExecStart={ path=/usr/sbin/nginx ; argv[]=/usr/sbin/nginx -g daemon on; master ; "
	"ignore_errors=no ; start_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n"
	"Id=nginx.service\n"
	"InactiveExitTimestampMonotonic=2000\n"
	"ActiveEnterTimestampMonotonic=3000\n"
	"\n"
	"Id=never.service\n"
	"InactiveExitTimestampMonotonic=0\n"
	"ActiveEnterTimestampMonotonic=0\n"
	"\n"
	"Id=basic.target\n"
	"InactiveExitTimestampMonotonic=1000\n"
	"ActiveEnterTimestampMonotonic=1000\n";

static void test_units(void **state)
{
	struct unit_times t;

	(void)state;
	assert_int_equal(unit_times_parse(text, strlen(text), &t), 0);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.items[0].name, "basic.target");
	assert_int_equal(t.items[0].begin_us, 1000);
	assert_null(t.items[0].program);
	assert_string_equal(t.items[1].name, "nginx.service");
	assert_int_equal(t.items[1].begin_us, 2000);
	assert_int_equal(t.items[1].active_us, 3000);
	assert_int_equal(t.items[1].main_us, 2500);
	assert_string_equal(t.items[1].program, "/usr/sbin/nginx");
	unit_times_done(&t);
	for (size_t n = 0; n < strlen(text); n++) {
		assert_int_equal(unit_times_parse(text, n, &t), 0);
		assert_true(t.n <= 2);
		unit_times_done(&t);
	}
}

static size_t n_of(const char *s)
{
	struct unit_times t;
	size_t n;

	assert_int_equal(unit_times_parse(s, strlen(s), &t), 0);
	n = t.n;
	unit_times_done(&t);
	return n;
}

#define BEGIN "InactiveExitTimestampMonotonic=5\n"

static void test_hostile(void **state)
{
	static const char relative[] = "Id=a\nExecStart={ path=x ; }\n" BEGIN,
			  control[] = "Id=a\nExecStart={ path=/\033 ; }\n" BEGIN;
	char name[UNIT_NAME_BYTES + 64];
	struct unit_times t;

	(void)state;
	assert_int_equal(n_of("Id=a.service\n" BEGIN), 1);
	assert_int_equal(n_of(BEGIN), 0);
	assert_int_equal(n_of("Id=\n" BEGIN), 0);
	assert_int_equal(n_of("Id=a\033[2J.service\n" BEGIN), 0);
	assert_int_equal(n_of("Id=a\xff.service\n" BEGIN), 0);
	assert_int_equal(n_of("Id=a.service\nInactiveExitTimestampMonotonic=-5\n"), 0);
	assert_int_equal(n_of("Id=a.service\nInactiveExitTimestampMonotonic=5 us\n"), 0);
	assert_int_equal(
		n_of("Id=a.service\nInactiveExitTimestampMonotonic=9999999999999999999\n"),
		0);
	/* A command line with line breaks is no other unit. */
	assert_int_equal(n_of("Id=a.service\nId=b.service\n" BEGIN BEGIN), 1);
	memset(name, 'a', sizeof(name));
	memcpy(name, "Id=", 3);
	snprintf(name + 3 + UNIT_NAME_BYTES, sizeof(name) - 3 - UNIT_NAME_BYTES,
		 "\n" BEGIN);
	assert_int_equal(n_of(name), 0);
	assert_int_equal(unit_times_parse(relative, strlen(relative), &t), 0);
	assert_int_equal(t.n, 1);
	assert_null(t.items[0].program);
	unit_times_done(&t);
	assert_int_equal(unit_times_parse(control, strlen(control), &t), 0);
	assert_int_equal(t.n, 1);
	assert_null(t.items[0].program);
	unit_times_done(&t);
}

static void test_too_many(void **state)
{
	static char many[(LIMIT_UNITS + 1) * 64];
	struct unit_times t;
	size_t used = 0;

	(void)state;
	for (unsigned i = 0; i < LIMIT_UNITS; i++)
		used += (size_t)snprintf(many + used, sizeof(many) - used,
					 "Id=%u.service\n" BEGIN "\n", i);
	assert_int_equal(unit_times_parse(many, used, &t), 0);
	assert_int_equal(t.n, LIMIT_UNITS);
	unit_times_done(&t);
	used += (size_t)snprintf(many + used, sizeof(many) - used, "Id=x\n" BEGIN);
	assert_int_equal(unit_times_parse(many, used, &t), -E2BIG);
	unit_times_done(&t);
}

static void test_manager(void **state)
{
	static const char
		manager[] = "UserspaceTimestampMonotonic=12899919596\n"
			    "FinishTimestampMonotonic=12900482234\n"
			    "InitRDTimestampMonotonic=0\n",
		initrd[] = "UserspaceTimestampMonotonic=9000000\n"
			   "InitRDTimestampMonotonic=2000000\n",
		early[] = "UserspaceTimestampMonotonic=7\nFinishTimestampMonotonic=0\n",
		none[] = "FinishTimestampMonotonic=7\n";
	struct boot_times t;

	(void)state;
	assert_int_equal(boot_times_parse(manager, strlen(manager), &t), 0);
	assert_true(t.userspace_us == UINT64_C(12899919596));
	assert_true(t.finish_us == UINT64_C(12900482234));
	/* What ran as process 1 before systemd is part of the boot, an initramfs is not. */
	assert_true(boot_times_start_us(&t, UINT64_C(12899419596)) ==
		    UINT64_C(12899419596));
	assert_true(boot_times_start_us(&t, UINT64_C(12999999999)) ==
		    UINT64_C(12899919596));
	assert_int_equal(boot_times_parse(initrd, strlen(initrd), &t), 0);
	assert_int_equal(boot_times_start_us(&t, 0), 9000000);
	assert_int_equal(boot_times_parse(early, strlen(early), &t), 0);
	assert_int_equal(t.userspace_us, 7);
	assert_int_equal(t.finish_us, 0);
	assert_int_equal(boot_times_parse(none, strlen(none), &t), -EBADMSG);
	assert_int_equal(boot_times_parse("", 0, &t), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
