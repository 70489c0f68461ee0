/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "clock.h"
#include "log.h"
#include "running.h"
#include "systemd.h"
#include "train-running.h"

#define ASK_MS	      10000
#define START_MS      120000 /* systemd has limits of its own: 90 s */
#define FIRST_LOOK_MS 1000
/* New pages are rare when there are fewer in the second half of the time, as for commands. */
#define RARE_SHARE    100u

static uint64_t count_pages(const struct trace_result *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->n_objects; i++)
		for (uint32_t k = 0; k < r->objects[i].n_pages; k++)
			n += r->objects[i].when[k] != 0;
	return n;
}

int train_pid_record(pid_t pid, struct trace_result *ret)
{
	_cleanup_(running_done) struct running processes = { 0 };
	int r = running_below(pid, &processes);

	if (r == 0)
		r = running_record(&processes, ret);
	return r < 0 ? log_errno(r, "cannot record process %d", (int)pid) : 0;
}

static int record_service(pid_t main, struct trace_result *ret)
{
	_cleanup_(running_done) struct running processes = { 0 };
	int r = running_beside(main, &processes);

	return r < 0 ? r : running_record(&processes, ret);
}

/* Looked at after 1, 2, 4, … s. */
static int wait_until_rare(pid_t main, unsigned window_ms, struct trace_result *ret)
{
	uint64_t before = 0, start_us = clock_us();
	unsigned ms = FIRST_LOOK_MS;

	for (;;) {
		uint64_t n, until_ms = MIN(ms, window_ms),
			    passed_ms = (clock_us() - start_us) / 1000;
		int r;

		if (passed_ms < until_ms)
			clock_sleep_ms((unsigned)(until_ms - passed_ms));
		r = record_service(main, ret);
		if (r < 0)
			return r;
		n = count_pages(ret);
		ret->settled = n >= before && n - before <= n / RARE_SHARE;
		if (ret->settled || ms >= window_ms)
			break;
		trace_result_done(ret);
		before = n;
		ms *= 2;
	}
	ret->window_ended = true;
	ret->cut = !ret->settled;
	return 0;
}

static int ask(const char *name, pid_t *ret_main)
{
	int r = systemd_ask_service(name, clock_in_ms(ASK_MS), ret_main);

	if (r < 0)
		log_error("cannot ask systemd about '%s': %s", name, systemd_error_text(r));
	return r;
}

static int start(const char *name, pid_t *ret_main)
{
	int r = ask(name, ret_main);

	if (r < 0)
		return r;
	if (*ret_main > 0) {
		log_error("'%s' runs already: stop it, or record it as it is (--pid=%d)",
			  name, (int)*ret_main);
		return -EBUSY;
	}
	r = systemd_start(name, clock_in_ms(START_MS));
	if (r == -EIO)
		log_error("cannot start '%s': 'systemctl status %s' tells why", name, name);
	else if (r < 0)
		log_error("cannot start '%s': %s", name, systemd_error_text(r));
	if (r < 0)
		return r;
	r = ask(name, ret_main);
	if (r == 0 && *ret_main <= 0) {
		log_error("'%s' has started no process that goes on running", name);
		return -ESRCH;
	}
	return r;
}

int train_unit_record(const char *name, unsigned window_ms, struct trace_result *ret)
{
	pid_t main = 0;
	int r = start(name, &main);

	if (r < 0)
		return r;
	r = wait_until_rare(main, window_ms, ret);
	return r < 0 ? log_errno(r, "cannot record '%s'", name) : 0;
}
