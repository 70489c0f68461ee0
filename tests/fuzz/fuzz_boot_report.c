/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The report of the last boot's prefetch. */
#include <stdlib.h>
#include <string.h>

#include "boot-report.h"
#include "macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct boot_moments *m)
{
	if (m->n > LIMIT_BOOT_MOMENTS)
		abort();
	for (size_t i = 1; i < m->n; i++)
		if (m->items[i].us < m->items[i - 1].us)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);
	struct boot_report r;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (boot_report_parse(text, &r) < 0)
		return 0;
	if (!memchr(r.outcome, 0, sizeof(r.outcome)) || !*r.outcome ||
	    !memchr(r.stopped, 0, sizeof(r.stopped)) ||
	    !(r.ms >= 0 && r.cpu_ms >= 0 && r.eager_ms >= 0) || r.plan >= BOOT_PLANS ||
	    r.eager_bytes > LIMIT_BOOT_BYTES)
		abort();
	if (*r.boot_id && strspn(r.boot_id, "0123456789abcdef-") != BOOT_ID_BYTES)
		abort();
	check(&r.metadata);
	check(&r.own);
	check(&r.data);
	boot_report_done(&r);
	return 0;
}
