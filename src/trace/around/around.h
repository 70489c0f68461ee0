/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Launches of which nothing is traced but what they execute and when they end (TRACE_EXIT): seen
 * from around them, in the page cache afterwards, or by who records the whole system meanwhile.
 */
#ifndef ELFCAST_AROUND_H
#define ELFCAST_AROUND_H

#include "trace-system.h"
#include "trace.h"

/*
 * Cold, as far as that can be had: the files of KNOWN, an earlier launch of the same, leave the
 * page cache before, and what is there of them afterwards is what RET has. *ret_kept: pages that
 * did not leave, since others use them; they count as needed. -EPERM: only root may see that; or
 * what trace_launch() returns. trace_result_done().
 */
int around_residency(const char *program, char *const argv[],
		     const struct trace_options *options, const struct trace_result *known,
		     struct trace_result *ret, uint64_t *ret_kept);

/*
 * What the whole system reads while it runs; LIGHT: see trace-system.h. *ret_began: errors are those of
 * trace_launch(), else of trace_system().
 */
int around_system(const char *program, char *const argv[],
		  const struct trace_options *options, bool light, struct trace_result *ret,
		  struct trace_system_report *ret_report, bool *ret_began);

#endif
