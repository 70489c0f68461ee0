/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The report of the last boot's prefetch. */
#include <stdlib.h>
#include <string.h>

#include "boot-report.h"
#include "macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);
	struct boot_report r;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (boot_report_parse(text, &r) == 0 &&
	    (!memchr(r.outcome, 0, sizeof(r.outcome)) || !*r.outcome ||
	     !memchr(r.stopped, 0, sizeof(r.stopped)) || !(r.ms >= 0 && r.cpu_ms >= 0)))
		abort();
	return 0;
}
