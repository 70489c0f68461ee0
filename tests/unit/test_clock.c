/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "in-range.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "macro.h"

static int pipes[2];
static volatile sig_atomic_t n_signals;

/* The second one makes the pipe readable: whoever gave up at the first never sees it. */
static void on_alarm(int number)
{
	(void)number;
	if (++n_signals == 2 && write(pipes[1], "", 1) < 0)
		_exit(1);
}

static void poll_goes_on_after_signals(void **state)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
	struct pollfd p = { .events = POLLIN };

	(void)state;
	assert_return_code(pipe(pipes), errno);
	p.fd = pipes[0];
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_int_equal(clock_poll(&p, 1, CLOCK_NEVER), 1);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_int_equal(p.revents, POLLIN);
	close(pipes[0]);
	close(pipes[1]);
}

static void poll_ends_at_the_moment(void **state)
{
	struct pollfd p = { .events = POLLIN };

	(void)state;
	assert_return_code(pipe(pipes), errno);
	p.fd = pipes[0];
	assert_int_equal(clock_poll(&p, 1, 0), 0);
	assert_int_equal(clock_poll(&p, 1, clock_in_ms(1)), 0);
	/* What is there already is seen, however late it is. */
	assert_int_equal(write(pipes[1], "", 1), 1);
	assert_int_equal(clock_poll(&p, 1, 0), 1);
	close(pipes[0]);
	close(pipes[1]);
}

static void time_left_is_rounded_up_and_never_negative(void **state)
{
	uint64_t before, after, soon;
	unsigned left;

	(void)state;
	assert_int_equal(clock_left_ms(0), 0);
	assert_int_equal(clock_left_ms(CLOCK_NEVER), UINT_MAX);
	before = clock_us();
	left = clock_left_ms(before + 3600000001);
	after = clock_us();
	assert_uint_in_range(left, 3600001 - DIV_ROUND_UP(after - before, 1000), 3600001);
	before = clock_us();
	soon = clock_in_ms(10);
	assert_uint_in_range(soon, before + 10000, clock_us() + 10000);
}

static void moments_become_timespecs(void **state)
{
	struct timespec t = clock_timespec(7000000 - 1);

	(void)state;
	assert_int_equal(t.tv_sec, 6);
	assert_int_equal(t.tv_nsec, 999999000);
	t = clock_timespec(7000000);
	assert_int_equal(t.tv_sec, 7);
	assert_int_equal(t.tv_nsec, 0);
}

static void clocks_agree(void **state)
{
	uint64_t us = clock_us(), ns = clock_ns();

	(void)state;
	assert_true(us > 0 && us <= ns / 1000 && ns <= clock_ns());
	assert_true(clock_cpu_us() > 0);
	assert_true(clock_seconds(CLOCK_REALTIME) > 1700000000);
	assert_int_equal(clock_seconds((clockid_t)1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(poll_goes_on_after_signals),
		cmocka_unit_test(poll_ends_at_the_moment),
		cmocka_unit_test(time_left_is_rounded_up_and_never_negative),
		cmocka_unit_test(moments_become_timespecs),
		cmocka_unit_test(clocks_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
