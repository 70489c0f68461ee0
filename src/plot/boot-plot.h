/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A boot as a picture: what was read ahead when, which units started when; below it the launches since. Pure: the caller
 * collects what is known. All times are milliseconds since process 1 was started.
 */
#ifndef ELFCAST_BOOT_PLOT_H
#define ELFCAST_BOOT_PLOT_H

#include <stdio.h>

#include "boot-report.h"
#include "launch-plot.h"
#include "plot-frame.h"

struct plot_unit {
	const char *name;	    /* borrowed */
	double begin_ms, active_ms; /* active_ms: PLOT_UNKNOWN where it never was */
	double main_ms;		    /* its main process; PLOT_UNKNOWN: none */
	double read_ms; /* what it executes had been asked for by then; PLOT_UNKNOWN: not known */
};

struct boot_plot {
	const char *title, *kernel;	  /* borrowed */
	const struct boot_report *report; /* borrowed; NULL: nothing was read ahead */
	double prefetch_ms;		  /* when that began */
	double target_ms;		  /* the default target; PLOT_UNKNOWN */
	const struct plot_unit *units;	  /* in the order in which they began; borrowed */
	size_t n_units;
	const struct launch_plot *launches; /* since then, below; borrowed */
};

/* The whole file. What goes wrong with F is F's to tell. */
void boot_plot_write(const struct boot_plot *p, FILE *f);

/* When PAGES had been asked for of REPORT's files, in ms of the prefetch; PLOT_UNKNOWN: not so many. */
double boot_plot_asked_ms(const struct boot_report *r, uint64_t n_pages);

#endif
