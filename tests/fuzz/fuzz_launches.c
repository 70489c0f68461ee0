/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launch counts: what is accepted is written the same to the byte, and stays a file that
 * is accepted whatever is counted and however far time goes.
 */
#include <stdint.h>
#include <string.h>

#include "launches.h"
#include "limits.h"
#include "macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void written_is_accepted(const struct launches *l, const char *same, size_t bytes)
{
	_cleanup_free_ char *text = NULL;
	struct launches again;
	size_t n;

	check(launches_format(l, &text, &n) == 0);
	if (same)
		check(n == bytes && memcmp(text, same, n) == 0);
	check(launches_parse(text, n, &again) == 0);
	check(again.n == l->n);
	launches_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(launches_done) struct launches l = { 0 };

	if (launches_parse((const char *)data, size, &l) < 0)
		return 0;
	written_is_accepted(&l, (const char *)data, size);
	for (size_t i = 0; i < l.n; i++)
		check(launches_weight(&l, l.items[i].program, l.time_s) ==
		      l.items[i].weight);
	check(launches_count(&l, "/usr/bin/one", l.time_s / 2) == 0);
	check(launches_count(&l, "/usr/bin/two", l.time_s + LAUNCHES_LONGEST_S) == 0);
	check(launches_find(&l, "/usr/bin/two") && l.n <= LIMIT_LAUNCHES);
	written_is_accepted(&l, NULL, 0);
	return 0;
}
