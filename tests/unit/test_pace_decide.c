/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "boot.h"
#include "pace-decide.h"
#include "pace.h"

static const struct pace_facts quiet = { .available_bytes = 1000, .reserve_bytes = 1000 };

static void quiet_disk_is_read(void **state)
{
	struct pace_facts f = quiet;

	(void)state;
	assert_int_equal(pace_decide(&f), PACE_GO);
	/* Who has waited tries alone. */
	f.n_waits = 1;
	assert_int_equal(pace_decide(&f), PACE_TRY);
}

static void others_read_first_but_not_for_ever(void **state)
{
	struct pace_facts f = quiet;

	(void)state;
	f.others_read = true;
	for (f.n_waits = 0; f.n_waits < 5; f.n_waits++)
		assert_int_equal(pace_decide(&f), PACE_WAIT);
	assert_int_equal(pace_decide(&f), PACE_TRY);
}

static void reserve_of_memory_is_kept(void **state)
{
	struct pace_facts f = quiet;

	(void)state;
	f.available_bytes = f.reserve_bytes - 1;
	assert_int_equal(pace_decide(&f), PACE_NO_MEMORY);
	f.others_read = true;
	assert_int_equal(pace_decide(&f), PACE_NO_MEMORY);
	f.available_bytes = UINT64_MAX; /* there is no telling */
	f.reserve_bytes = UINT64_MAX;
	assert_int_equal(pace_decide(&f), PACE_WAIT);
}

static void end_comes_before_everything(void **state)
{
	struct pace_facts f = quiet;
	struct pace_start s = { .stopped = true, .age_us = 9, .limit_us = 1 };

	(void)state;
	f.stopped = f.others_read = true;
	f.available_bytes = 0;
	assert_int_equal(pace_decide(&f), PACE_END);
	assert_int_equal(pace_decide_start(&s), PACE_END);
}

static void begins_when_the_disks_are_quiet(void **state)
{
	struct pace_start s = { .waited_ms = 100, .age_us = 5000000, .limit_us = 5000001 };

	(void)state;
	assert_int_equal(pace_decide_start(&s), PACE_GO);
	s.others_read = true;
	assert_int_equal(pace_decide_start(&s), PACE_WAIT);
	s.waited_ms = 9999;
	assert_int_equal(pace_decide_start(&s), PACE_WAIT);
	s.waited_ms = 10000;
	assert_int_equal(pace_decide_start(&s), PACE_GO);
	s.age_us++;
	assert_int_equal(pace_decide_start(&s), PACE_TOO_LATE);
	s.others_read = false;
	assert_int_equal(pace_decide_start(&s), PACE_TOO_LATE);
}

static void slow_disk_is_left_in_peace_longer(void **state)
{
	(void)state;
	assert_int_equal(pace_quiet_ms(0), 100);
	assert_int_equal(pace_quiet_ms(2500), 100);
	assert_int_equal(pace_quiet_ms(2600), 104);
	assert_int_equal(pace_quiet_ms(24999), 999);
	assert_int_equal(pace_quiet_ms(25000), 1000);
	assert_int_equal(pace_quiet_ms(3600000000), 1000);
}

static void long_batches_are_remembered_a_while(void **state)
{
	uint64_t us = pace_longest_us(0, 8000);

	(void)state;
	assert_int_equal(us, 8000);
	assert_int_equal(pace_longest_us(us, 9000), 9000);
	us = pace_longest_us(us, 100);
	assert_int_equal(us, 7000);
	for (int i = 0; i < 40; i++)
		us = pace_longest_us(us, 100);
	assert_int_equal(us, 100);
}

static void available_memory_is_found(void **state)
{
	(void)state;
	assert_int_equal(
		pace_available_bytes("MemTotal: 9 kB\nMemAvailable:  3 kB\nX: 1 kB\n"),
		3072);
	assert_int_equal(pace_available_bytes("MemTotal: 9 kB\nMemFree:  3 kB\n"),
			 UINT64_MAX);
	assert_int_equal(pace_available_bytes("MemAvailable: kB\n"), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quiet_disk_is_read),
		cmocka_unit_test(others_read_first_but_not_for_ever),
		cmocka_unit_test(reserve_of_memory_is_kept),
		cmocka_unit_test(end_comes_before_everything),
		cmocka_unit_test(begins_when_the_disks_are_quiet),
		cmocka_unit_test(slow_disk_is_left_in_peace_longer),
		cmocka_unit_test(long_batches_are_remembered_a_while),
		cmocka_unit_test(available_memory_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
