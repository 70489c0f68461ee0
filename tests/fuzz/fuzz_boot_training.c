/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which boots were recorded: whatever is accepted can be written and is accepted again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot-training.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_training t, again;
	char text[BOOT_TRAINING_BYTES];
	size_t n;

	memset(&t, 0, sizeof(t));
	memset(&again, 0, sizeof(again));
	if (boot_training_parse((const char *)data, size, &t) < 0)
		return 0;
	n = boot_training_format(&t, text, sizeof(text));
	check(n < sizeof(text) && boot_training_parse(text, n, &again) == 0);
	check(strcmp(t.profile, again.profile) == 0 &&
	      strcmp(t.kernel, again.kernel) == 0 &&
	      strcmp(t.failed_kernel, again.failed_kernel) == 0 &&
	      t.is_exact == again.is_exact && t.n_boots == again.n_boots &&
	      t.n_new_pages == again.n_new_pages && t.n_failed == again.n_failed);
	return 0;
}
