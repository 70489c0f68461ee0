/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What elfcastd tells of itself: whatever is accepted can be written and is accepted again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "watch-state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct watch_state w, again;
	char text[512];
	size_t n;

	if (watch_state_parse((const char *)data, size, &w) < 0)
		return 0;
	n = watch_state_format(&w, text, sizeof(text));
	check(n < sizeof(text) && watch_state_parse(text, n, &again) == 0);
	check(memcmp(&w, &again, sizeof(w)) == 0);
	return 0;
}
