/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launches of a boot: what is accepted is written the same to the byte, can be drawn, and with one
 * launch more it stays a file that is accepted.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "launch-plot.h"
#include "launched.h"
#include "macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void written_is_accepted(const struct launched_log *l, const char *same,
				size_t bytes)
{
	static struct launched_log again;
	_cleanup_free_ char *text = NULL;
	size_t n;

	check(launched_format(l, &text, &n) == 0);
	check(!same || (n == bytes && memcmp(text, same, n) == 0));
	check(launched_parse(text, n, &again) == 0 && again.n == l->n);
	launched_done(&again);
}

static void draw(const struct launched_log *l)
{
	const struct plot_program program = { .name = l->n > 0 ? l->items[0].program : "/p",
					      .is_launched = true,
					      .first_ms = 1,
					      .read_ms = -1 };
	const struct launch_plot p = {
		.log = l,
		.programs = &program,
		.n_programs = 1,
		.now_ms = l->n > 0 ? (double)l->items[l->n - 1].after_ms : 0,
	};
	_cleanup_free_ char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	check(f);
	launch_plot_put(&p, 0, f);
	check(fclose(f) == 0 && n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct launched_log l;

	if (launched_parse((const char *)data, size, &l) < 0) {
		check(l.n == 0);
		return 0;
	}
	written_is_accepted(&l, (const char *)data, size);
	draw(&l);
	check(launched_add(&l, "/p", UINT64_MAX, LAUNCHED_ALONE, 1) == 0);
	check(launched_find(&l, 1) == &l.items[l.n - 1]);
	written_is_accepted(&l, NULL, 0);
	launched_done(&l);
	return 0;
}
