/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>

#include "clock.h"
#include "macro.h"

static struct timespec read_clock(clockid_t clock)
{
	struct timespec t = { 0 };

	clock_gettime(clock, &t);
	return t;
}

static uint64_t as_us(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_us(void)
{
	return as_us(read_clock(CLOCK_MONOTONIC));
}

uint64_t clock_ns(void)
{
	struct timespec t = read_clock(CLOCK_MONOTONIC);

	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t clock_in_ms(uint64_t ms)
{
	return clock_us() + ms * 1000;
}

unsigned clock_left_ms(uint64_t until_us)
{
	uint64_t now = clock_us(), left = until_us > now ? until_us - now : 0;

	return (unsigned)MIN(DIV_ROUND_UP(left, 1000), (uint64_t)UINT_MAX);
}

uint64_t clock_cpu_us(void)
{
	return as_us(read_clock(CLOCK_PROCESS_CPUTIME_ID));
}

uint64_t clock_boottime_ms(void)
{
	return as_us(read_clock(CLOCK_BOOTTIME)) / 1000;
}

uint64_t clock_seconds(clockid_t clock)
{
	return (uint64_t)MAX(read_clock(clock).tv_sec, 0);
}

struct timespec clock_timespec(uint64_t time_us)
{
	return (struct timespec){ .tv_sec = (time_t)(time_us / 1000000),
				  .tv_nsec = (long)(time_us % 1000000) * 1000 };
}

void clock_sleep_ms(unsigned ms)
{
	const struct timespec t = clock_timespec(ms * UINT64_C(1000));

	nanosleep(&t, NULL);
}

int clock_poll(struct pollfd *fds, nfds_t n, uint64_t until_us)
{
	int r;

	do {
		uint64_t now = clock_us();
		struct timespec left = clock_timespec(until_us > now ? until_us - now : 0);

		r = ppoll(fds, n, until_us == CLOCK_NEVER ? NULL : &left, NULL);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}
