/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time, and waiting until a moment. Moments are microseconds of CLOCK_MONOTONIC: they are
 * compared and added as numbers, nobody else handles a struct timespec for that.
 */
#ifndef ELFCAST_CLOCK_H
#define ELFCAST_CLOCK_H

#include <poll.h>
#include <stdint.h>
#include <time.h>

/* No moment that comes: what has no deadline. */
#define CLOCK_NEVER UINT64_MAX

/* Now. Never 0. */
uint64_t clock_us(void);
uint64_t clock_ns(void);
/* The moment MS from now. */
uint64_t clock_in_ms(uint64_t ms);
/* What is left until the moment UNTIL_US, rounded up to ms; 0: it has passed. */
unsigned clock_left_ms(uint64_t until_us);

/* CPU time that this process has taken. */
uint64_t clock_cpu_us(void);
/* Since the kernel's start, with the time that the machine slept: CLOCK_BOOTTIME. */
uint64_t clock_boottime_ms(void);
/* Seconds of CLOCK (CLOCK_REALTIME, CLOCK_BOOTTIME); 0 where it has none, or is before 1970. */
uint64_t clock_seconds(clockid_t clock);

/* TIME_US as the kernel takes it, for pthread_cond_clockwait() and ppoll(). */
struct timespec clock_timespec(uint64_t time_us);

/* A signal ends the sleep early. */
void clock_sleep_ms(unsigned ms);
/*
 * poll(2) until the moment UNTIL_US, and again where a signal came in between. How many of
 * FDS have events, 0 when the moment came first, negative errno.
 */
int clock_poll(struct pollfd *fds, nfds_t n, uint64_t until_us);

#endif
