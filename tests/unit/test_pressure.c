/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pressure.h"

static void pages_taken_from_everyone_count(void **state)
{
	(void)state;
	assert_int_equal(pressure_count_scanned("nr_free_pages 5\npgscan_kswapd 70\n"
						"pgscan_direct 8\npgscan_khugepaged 900\n"),
			 78);
	assert_int_equal(pressure_count_scanned("nr_free_pages 5\npgscan_direct 8\n"), 8);
	assert_true(pressure_count_scanned("x 1\npgscan_kswapd 18446744073709551615\n") ==
		    UINT64_MAX);
}

/* Names that only begin or end like them, as older kernels have, and text that was cut. */
static void other_lines_do_not(void **state)
{
	(void)state;
	assert_int_equal(pressure_count_scanned(""), 0);
	assert_int_equal(pressure_count_scanned("x 1\npgscan_kswapd_dma 70\n"
						"pgscan_direct_throttle 3\n"
						"drop_pgscan_kswapd 4\n"),
			 0);
	assert_int_equal(pressure_count_scanned("x 1\npgscan_kswapd "), 0);
	assert_int_equal(pressure_count_scanned("x 1\npgscan_kswapd none\n"), 0);
}

static void share_of_waiting_tasks(void **state)
{
	(void)state;
	assert_int_equal(
		pressure_of_text("some avg10=12.34 avg60=1.00 avg300=0.00 total=5\n"
				 "full avg10=99.00 avg60=1.00 avg300=0.00 total=5\n"),
		1234);
	assert_int_equal(pressure_of_text("some avg10=0.05 avg60=1.00"), 5);
	assert_int_equal(pressure_of_text("some avg10=100.00 avg60=1.00"), 10000);
	assert_int_equal(pressure_of_text("full avg10=99.00 avg60=1.00"), 0);
	assert_int_equal(pressure_of_text("some avg10="), 0);
	assert_int_equal(pressure_of_text(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_taken_from_everyone_count),
		cmocka_unit_test(other_lines_do_not),
		cmocka_unit_test(share_of_waiting_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
