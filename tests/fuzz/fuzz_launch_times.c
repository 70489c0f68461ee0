/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The times of launches: what is accepted is written the same to the byte, can be judged, and with
 * one launch more it stays a file that is accepted.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "launch-gain.h"
#include "launch-times.h"
#include "macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void written_is_accepted(const struct launch_times *t, const char *same,
				size_t bytes)
{
	_cleanup_free_ char *text = NULL;
	static struct launch_times again;
	size_t n;

	check(launch_times_format(t, &text, &n) == 0);
	check(!same || (n == bytes && memcmp(text, same, n) == 0));
	check(launch_times_parse(text, n, &again) == 0 && again.n == t->n);
	launch_times_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct launch_verdicts v;
	static struct launch_times t;
	const char *program;
	bool usually;

	if (launch_times_parse((const char *)data, size, &t) < 0) {
		check(t.n == 0);
		return 0;
	}
	written_is_accepted(&t, (const char *)data, size);
	check(launch_verdicts_find(&t, &v) == 0);
	program = t.n > 0 ? t.items[0].program : "/p";
	usually = !launch_verdicts_is_off(&v, program);
	check(launch_times_add(&t, "/p", 7, launch_times_plan(&t, "/p", usually)) == 0);
	check(t.items[t.n - 1].ms == 7);
	written_is_accepted(&t, NULL, 0);
	launch_verdicts_done(&v);
	launch_times_done(&t);
	return 0;
}
