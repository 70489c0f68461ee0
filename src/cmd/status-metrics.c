/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "bounds.h"
#include "cmd.h"
#include "status-look.h"
#include "status.h"

static void metric(const char *name, const char *type, const char *help)
{
	printf("# HELP elfcast_%s %s\n# TYPE elfcast_%s %s\n", name, help, name, type);
}

static void gauge(const char *name, const char *help, double value)
{
	metric(name, "gauge", help);
	printf("elfcast_%s %.17g\n", name, value);
}

static void print_gain_metrics(const struct overview *o)
{
	const struct boot_gain *g = &o->gain;

	gauge("boot_part_off",
	      "Whether reading ahead for the boot was switched off, for it gains nothing "
	      "or is not used.",
	      status_boot_is_off(&o->boots));
	metric("boot_target_seconds", "gauge",
	       "Median time to the default target, of boots read ahead and left alone.");
	if (g->n_eager > 0)
		printf("elfcast_boot_target_seconds{boot=\"eager\"} %.17g\n",
		       g->eager_ms / 1000);
	if (g->n_controls > 0)
		printf("elfcast_boot_target_seconds{boot=\"control\"} %.17g\n",
		       g->control_ms / 1000);
}

static void print_problem_metrics(const struct overview *o)
{
	struct status_problem problems[STATUS_PROBLEMS];
	size_t n_more, n = status_find_problems(o, problems, &n_more), n_real = n_more;

	for (size_t i = 0; i < n; i++)
		n_real += !problems[i].is_hint;
	gauge("problems", "What elfcast status says is to be mended.", (double)n_real);
	if (!o->usage.unknown)
		gauge("boot_unused_bytes",
		      "Read at boot for programs that were not launched since.",
		      (double)(o->usage.not_used_pages * PAGE_BYTES));
}

/* The text format of Prometheus, version 0.0.4. */
static void print_metrics(const struct overview *o)
{
	const struct boot_report *r = &o->report;

	gauge("profiles", "Profiles that are installed and not masked.",
	      (double)overview_profiles(o));
	gauge("profiles_without_shadow", "Of these, not compiled or not readable.",
	      (double)(overview_uncompiled(o) + overview_unread(o)));
	metric("shadows", "gauge", "Compiled profiles, by what their files are now.");
	printf("elfcast_shadows{state=\"valid\"} %zu\n", overview_with(o, WORTH_VALID));
	printf("elfcast_shadows{state=\"partly-stale\"} %zu\n",
	       overview_with(o, WORTH_PARTLY_STALE));
	printf("elfcast_shadows{state=\"stale\"} %zu\n", overview_with(o, WORTH_STALE));
	printf("elfcast_shadows{state=\"damaged\"} %zu\n", o->known.n_damaged);
	gauge("pack_launches", "Launches that are read ahead at boot.",
	      (double)o->pack_launches);
	gauge("pack_bytes", "What is read for them.", (double)(o->pack_pages * PAGE_BYTES));
	print_gain_metrics(o);
	gauge("watcher_up", "Whether elfcastd runs.", o->watcher_runs);
	metric("watcher_overflows_total", "counter",
	       "How often launches were too many at once to be counted, since boot.");
	printf("elfcast_watcher_overflows_total %" PRIu64 "\n", o->watcher.n_overflows);
	metric("launches_total", "counter",
	       "Launches of programs with profiles since boot, by what elfcastd did.");
	printf("elfcast_launches_total{what=\"read\"} %" PRIu64 "\n", o->watcher.n_read);
	printf("elfcast_launches_total{what=\"in-memory\"} %" PRIu64 "\n",
	       o->watcher.n_resident + o->watcher.n_again);
	printf("elfcast_launches_total{what=\"left-alone\"} %" PRIu64 "\n",
	       o->watcher.n_alone);
	printf("elfcast_launches_total{what=\"dropped\"} %" PRIu64 "\n",
	       o->watcher.n_dropped);
	print_problem_metrics(o);
	if (!o->has_report)
		return;
	gauge("boot_asked_bytes", "Asked for at the last boot.", (double)r->asked_bytes);
	gauge("boot_read_bytes", "Of these, read from storage.", (double)r->read_bytes);
	gauge("boot_objects", "Files in the pack.", (double)r->n_objects);
	gauge("boot_objects_used", "Of these, still as compiled.",
	      (double)r->n_objects_used);
	gauge("boot_seconds", "How long the last boot's prefetch took.", r->ms / 1000);
	gauge("boot_cpu_seconds", "Its processor time.", r->cpu_ms / 1000);
}

int status_metrics(const struct store *s)
{
	_cleanup_(overview_done) struct overview o = { 0 };

	if (overview_look(s, &o) < 0)
		return CMD_FAILED;
	print_metrics(&o);
	return CMD_DONE;
}
