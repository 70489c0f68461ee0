/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known here of the launches since boot, put together for launch-plot.h. */
#ifndef ELFCAST_PLOT_LAUNCHES_H
#define ELFCAST_PLOT_LAUNCHES_H

#include "boot-report.h"
#include "launch-counts.h"
#include "launch-plot.h"
#include "status-usage.h"
#include "status.h"

struct plot_launches {
	struct usage usage;
	struct launched_log log;
	struct launch_counts counts;
	struct status_gain gain;
	struct plot_program *programs;
	struct launch_plot plot; /* of these */
};

/* L is of zeros. REPORT: of the boot, or NULL. What cannot be read is left out, with a warning. -ENOMEM. */
int plot_launches_load(const struct store *s, const struct boot_report *report,
		       struct plot_launches *l);
void plot_launches_done(struct plot_launches *l);

#endif
