/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launch counts: what is accepted is written the same to the byte, and stays a file that
 * is accepted whatever is counted and however far time goes.
 */
#include <stdint.h>
#include <string.h>

#include "bounds.h"
#include "launch-counts.h"
#include "macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void written_is_accepted(const struct launch_counts *l, const char *same,
				size_t bytes)
{
	_cleanup_free_ char *text = NULL;
	struct launch_counts again;
	size_t n;

	check(launch_counts_format(l, &text, &n) == 0);
	if (same)
		check(n == bytes && memcmp(text, same, n) == 0);
	check(launch_counts_parse(text, n, &again) == 0);
	check(again.n == l->n);
	launch_counts_done(&again);
}

static void check_habit(const struct launch_counts *l, const char *program)
{
	struct launch_habit h;

	launch_counts_habit(l, program, &h);
	check(h.n_launched <= h.n_boots && h.n_boots <= l->n_watched);
	check((h.after_ms <= LIMIT_FIRST_MS) ==
	      (h.n_launched > 0 && 2 * h.n_launched >= h.n_boots));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char three[] = "/usr/bin/three", two[] = "/usr/bin/two";
	char *names[] = { three, two };
	const struct name_list pack = { names, 2, 2 };
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	uint64_t now_s;

	if (launch_counts_parse((const char *)data, size, &l) < 0)
		return 0;
	/* Versions 1 and 2 are read, and written as version 3. */
	if (size > 18 && memcmp(data, "elfcast-launches 3", 18) == 0)
		written_is_accepted(&l, (const char *)data, size);
	else
		written_is_accepted(&l, NULL, 0);
	for (size_t i = 0; i < l.n; i++) {
		check(launch_counts_weight(&l, l.items[i].program, l.time_s) ==
		      l.items[i].weight);
		check_habit(&l, l.items[i].program);
	}
	check(launch_counts_count(&l, "/usr/bin/one", l.time_s / 2) == 0);
	check(launch_counts_count(&l, two, l.time_s + LAUNCHES_LONGEST_S) == 0);
	check(launch_counts_find(&l, two) && l.n <= LIMIT_LAUNCHES);
	launch_counts_note_first(&l, "00000000-0000-0000-0000-00000000000b", 0, two);
	check_habit(&l, two);
	check(launch_counts_find(&l, two)->first_ms[0] > 0);
	now_s = launch_counts_find(&l, two)->last_s;
	check(launch_counts_note_boot(&l, "00000000-0000-0000-0000-00000000000a", now_s,
				      &pack) == 0);
	check(l.n <= LIMIT_LAUNCHES &&
	      (now_s == 0 || launch_counts_vain_boots(&l, two) == 0));
	written_is_accepted(&l, NULL, 0);
	return 0;
}
