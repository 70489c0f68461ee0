/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs that were read ahead and not launched: what is accepted is written the same to the
 * byte, and stays a file that is accepted after further boots.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "macro.h"
#include "boot-unused.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void written_is_accepted(const struct boot_unused *u, const char *same, size_t bytes)
{
	_cleanup_free_ char *text = NULL;
	struct boot_unused again;
	size_t n;

	check(boot_unused_format(u, &text, &n) == 0);
	if (same)
		check(n == bytes && memcmp(text, same, n) == 0);
	check(boot_unused_parse(text, n, &again) == 0);
	check(again.n == u->n);
	boot_unused_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char a[] = "/usr/bin/a", b[] = "/usr/bin/b";
	char *names[] = { a, b };
	const struct name_list pack = { names, 2, 2 };
	_cleanup_(boot_unused_done) struct boot_unused u = { 0 };
	_cleanup_(launch_counts_done) struct launch_counts l = { 0 };
	uint32_t before;
	bool changed;

	if (boot_unused_parse((const char *)data, size, &u) < 0)
		return 0;
	written_is_accepted(&u, (const char *)data, size);
	before = boot_unused_boots(&u, a);
	check(launch_counts_count(&l, b, 1800000000) == 0);
	check(boot_unused_note(&u, "00000000-0000-0000-0000-00000000000a", 1800000000,
			       &pack, &l, &changed) == 0);
	check(boot_unused_boots(&u, a) >= before && boot_unused_boots(&u, b) == 0);
	check(u.n <= LIMIT_LAUNCHES);
	written_is_accepted(&u, NULL, 0);
	return 0;
}
