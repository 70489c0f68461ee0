/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of boots: what is accepted is written the same to the byte, any plan made of it is
 * the same later in that boot, and with another boot it stays a file that is accepted.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boots.h"
#include "macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void written_is_accepted(const struct boots *b, const char *same, size_t bytes)
{
	_cleanup_free_ char *text = NULL;
	static struct boots again;
	size_t n;

	check(boots_format(b, &text, &n) == 0);
	check(!same || (n == bytes && memcmp(text, same, n) == 0));
	check(n <= LIMIT_BOOTS_BYTES && boots_parse(text, n, &again) == 0);
	check(again.n == b->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_line l = { .boot_id = "00000000-0000-0000-0000-00000000000a",
			       .kernel = "k" };
	static struct boots b;

	if (boots_parse((const char *)data, size, &b) < 0) {
		check(b.n == 0);
		return 0;
	}
	written_is_accepted(&b, (const char *)data, size);
	check(boots_first_counting(&b) <= b.n);
	if (boots_find(&b, l.boot_id))
		return 0;
	l.key = b.n > 0 ? b.items[0].key : 1;
	l.plan = boots_plan(&b, l.boot_id, l.key, BOOT_WISH_AUTO);
	check(l.plan < BOOT_PLANS && (l.plan == BOOT_PLAN_NONE) == (l.key == 0));
	boots_add(&b, &l);
	if (b.n < LIMIT_BOOTS)
		check(boots_plan(&b, l.boot_id, l.key, BOOT_WISH_AUTO) == l.plan);
	written_is_accepted(&b, NULL, 0);
	return 0;
}
