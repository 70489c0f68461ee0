/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launches since a boot, below its picture: when each came, what had been read for it, at boot
 * and then, and whether that was of use. Pure; times are milliseconds since the kernel's start.
 */
#ifndef ELFCAST_LAUNCH_PLOT_H
#define ELFCAST_LAUNCH_PLOT_H

#include <stdbool.h>
#include <stdio.h>

#include "launched.h"

struct plot_program {
	const char *name;     /* borrowed */
	uint64_t pack_pages;  /* that were read for it at boot; 0: none */
	double read_ms;	      /* when these had been asked for; PLOT_UNKNOWN */
	bool is_launched;     /* since boot */
	double first_ms;      /* its first launch; PLOT_UNKNOWN */
	bool has_saving;      /* the next one is known */
	double saves_percent; /* of a cold launch */
};

struct launch_plot {
	const struct launched_log *log;	     /* borrowed */
	const struct plot_program *programs; /* those of the log, and others; borrowed */
	size_t n_programs;
	double from_ms, now_ms; /* the boot, on the axis 0; and its end */
	uint64_t n_with[LAUNCHED_HOWS],
		n_pages;  /* since boot: the log has only the last ones */
	bool is_counting; /* all launches since the boot began are known */
};

double launch_plot_height(const struct launch_plot *p);
/* Into F, an SVG file that has boot-plot.h's styles, below TOP. */
void launch_plot_put(const struct launch_plot *p, double top, FILE *f);

#endif
