/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs and the worth of their shadows, the pack, the watcher, the last boot: for people,
 * as JSON, and as metrics.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "boot-gain.h"
#include "boot-report.h"
#include "bounds.h"
#include "cmd.h"
#include "json-out.h"
#include "launch-shadows.h"
#include "log.h"
#include "mounts.h"
#include "status-training.h"
#include "status.h"
#include "summary.h"
#include "text-out.h"
#include "watch-state.h"

struct program {
	struct shadow_buffer launch; /* owns the strings */
	struct totals totals;
	size_t n_objects;
	enum worth worth;
};

struct overview {
	size_t n_profiles, n_masked, n_unread, n_uncompiled;
	struct program *programs;
	size_t n_programs, n_damaged, n_with[WORTHS];
	const char *pack; /* "there", "missing", "damaged" */
	uint64_t pack_launches, pack_pages;
	bool watcher_runs, has_report;
	struct watch_state watcher;
	struct boot_report report;
	struct boots boots;
	struct boot_gain gain;
	struct status_training training;
};

static void overview_done(struct overview *o)
{
	for (size_t i = 0; i < o->n_programs; i++)
		shadow_buffer_done(&o->programs[i].launch);
	free(o->programs);
	boot_report_done(&o->report);
}

/* ---- looking ---- */

static int look_at_profiles(const struct store *s, const struct name_list *shadows,
			    struct overview *o)
{
	_cleanup_(profile_list_done) struct profile_list l = { 0 };
	int r = store_list_profiles(s, &l);

	for (size_t i = 0; r == 0 && i < l.n; i++) {
		if (l.items[i].masked) {
			o->n_masked++;
			continue;
		}
		o->n_profiles++;
		if (l.items[i].error < 0)
			o->n_unread++;
		else if (!store_has_shadow(shadows, l.items[i].name))
			o->n_uncompiled++;
	}
	return r;
}

/* A damaged shadow is counted, and no more: the next compile makes it new. */
static int look_at_shadow(const struct store *s, const char *name,
			  struct facts_context *facts, struct overview *o)
{
	struct program *p = &o->programs[o->n_programs];
	_cleanup_(summary_done) struct summary summary = { 0 };
	int r = store_load(s, STORE_SHADOW, name, &p->launch);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		o->n_damaged++;
		return 0;
	}
	o->n_programs++; /* from here on overview_done() frees it */
	r = summary_from_shadow(&p->launch, facts, &summary);
	if (r < 0)
		return r;
	p->totals = summary_count(&summary);
	p->n_objects = summary.n_rows;
	p->worth = summary_judge(&summary);
	o->n_with[p->worth]++;
	return 0;
}

static int compare_programs(const void *pa, const void *pb)
{
	const struct program *a = pa, *b = pb;
	int c = strcmp(launch_shadow_program(&a->launch),
		       launch_shadow_program(&b->launch));

	return c ? c
		 : strcmp(launch_shadow_scenario(&a->launch),
			  launch_shadow_scenario(&b->launch));
}

static int look_at_shadows(const struct store *s, const struct name_list *names,
			   struct overview *o)
{
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	struct facts_context facts = { .rootfd = s->rootfd,
				       .root_path = s->root_path,
				       .storage_override = -1 };
	int r = mounts_load(&mounts);

	facts.mounts = mounts;
	o->programs = calloc(names->n + 1, sizeof(*o->programs));
	if (!o->programs)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < names->n; i++)
		r = look_at_shadow(s, names->names[i], &facts, o);
	facts_done(&facts);
	qsort(o->programs, o->n_programs, sizeof(*o->programs), compare_programs);
	return r;
}

static void look_at_pack(const struct store *s, struct overview *o)
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer pack = { 0 };
	int r = store_load(s, STORE_PACK, NULL, &pack);

	o->pack = r == 0 ? "there" : r == -ENOENT ? "missing" : "damaged";
	o->pack_launches = pack.shadow.n_launches;
	o->pack_pages = shadow_count_pages(&pack.shadow);
}

static void look_at_boot(const struct store *s, struct overview *o)
{
	o->has_report = boot_report_load(s, &o->report) == 0;
	if (watch_state_load(s, &o->watcher) == 0)
		o->watcher_runs = watch_state_is_running(&o->watcher);
	else
		o->watcher = (struct watch_state){ 0 };
}

static int look(const struct store *s, struct overview *o)
{
	_cleanup_(name_list_done) struct name_list names = { 0 };
	int r = store_list_shadows(s, &names);

	if (r == 0)
		r = look_at_profiles(s, &names, o);
	if (r == 0)
		r = look_at_shadows(s, &names, o);
	if (r < 0)
		return r;
	look_at_pack(s, o);
	look_at_boot(s, o);
	r = status_training_look(s, &o->training);
	return r < 0 ? r : status_load_boots(s, &o->boots, &o->gain);
}

/* ---- telling ---- */

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static void print_programs(const struct overview *o)
{
	if (o->n_programs > 0)
		printf("%-12s  %9s  %8s  %s\n", "STATE", "OBJECTS", "MIB", "PROGRAM");
	for (size_t i = 0; i < o->n_programs; i++) {
		const struct program *p = &o->programs[i];
		const char *scenario = launch_shadow_scenario(&p->launch);
		char objects[32];

		snprintf(objects, sizeof(objects), "%zu/%zu", p->totals.n_usable,
			 p->n_objects);
		printf("%-12s  %9s  %8.1f  ", worth_text(p->worth), objects,
		       mib(p->totals.n_pages_usable * PAGE_BYTES));
		text_put(launch_shadow_program(&p->launch));
		if (strcmp(scenario, "default") != 0) {
			fputs(", ", stdout);
			text_put(scenario);
		}
		if (p->totals.n_retargeted)
			printf(" (%zu retargeted)", p->totals.n_retargeted);
		putchar('\n');
	}
	if (o->n_programs > 0)
		putchar('\n');
}

static void print_boot(const struct overview *o)
{
	const struct boot_report *r = &o->report;

	if (!o->has_report) {
		puts("last boot: nothing is known of it");
		return;
	}
	printf("last boot: %s", r->outcome);
	if (r->asked_bytes > 0)
		printf(", %.1f MiB asked for: %.1f read, %.1f there already; "
		       "%" PRIu64 " of %" PRIu64 " objects, %.2f s, CPU %.0f ms",
		       mib(r->asked_bytes), mib(r->read_bytes), mib(r->there_bytes),
		       r->n_objects_used, r->n_objects, r->ms / 1000, r->cpu_ms);
	if (*r->stopped)
		printf(", stopped: %s", r->stopped);
	putchar('\n');
}

static void print_text(const struct overview *o)
{
	print_programs(o);
	printf("profiles:  %zu, %zu masked\n", o->n_profiles, o->n_masked);
	printf("shadows:   %zu valid, %zu partly stale, %zu stale\n",
	       o->n_with[WORTH_VALID], o->n_with[WORTH_PARTLY_STALE],
	       o->n_with[WORTH_STALE]);
	printf("pack:      %s", o->pack);
	if (o->pack_launches > 0)
		printf(", %" PRIu64 " launches, %.1f MiB", o->pack_launches,
		       mib(o->pack_pages * PAGE_BYTES));
	printf("\nwatcher:   ");
	status_print_watcher(&o->watcher, o->watcher_runs);
	print_boot(o);
	status_training_print(&o->training);
	fputs("boots:     ", stdout);
	status_print_boot_gain(&o->boots, &o->gain);
	if (o->n_unread + o->n_uncompiled + o->n_damaged > 0)
		log_warning(
			"%zu profiles cannot be read, %zu have no shadow, %zu shadows are "
			"damaged: see 'elfcast compile'",
			o->n_unread, o->n_uncompiled, o->n_damaged);
	if (o->watcher.n_overflows > 0)
		log_warning("launches were not counted: too many at once, %" PRIu64
			    " times since boot",
			    o->watcher.n_overflows);
}

static void put_programs(const struct overview *o)
{
	json_open("programs", '[');
	for (size_t i = 0; i < o->n_programs; i++) {
		const struct program *p = &o->programs[i];

		json_open(NULL, '{');
		json_string("program", launch_shadow_program(&p->launch));
		json_string("scenario", launch_shadow_scenario(&p->launch));
		json_string("state", worth_text(p->worth));
		json_uint("objects", p->n_objects);
		json_uint("usable_objects", p->totals.n_usable);
		json_uint("retargeted_objects", p->totals.n_retargeted);
		json_uint("pages", p->totals.n_pages);
		json_uint("usable_pages", p->totals.n_pages_usable);
		json_close('}');
	}
	json_close(']');
}

static void put_boot(const struct overview *o)
{
	const struct boot_report *r = &o->report;

	if (!o->has_report) {
		json_string("last_boot", NULL);
		return;
	}
	json_open("last_boot", '{');
	json_string("outcome", r->outcome);
	json_string("stopped", *r->stopped ? r->stopped : NULL);
	json_uint("launches", r->n_launches);
	json_uint("objects", r->n_objects);
	json_uint("objects_used", r->n_objects_used);
	json_uint("asked_bytes", r->asked_bytes);
	json_uint("read_bytes", r->read_bytes);
	json_uint("there_bytes", r->there_bytes);
	json_double("ms", r->ms);
	json_double("cpu_ms", r->cpu_ms);
	json_close('}');
}

static void print_json(const struct overview *o)
{
	json_open(NULL, '{');
	json_open("profiles", '{');
	json_uint("installed", o->n_profiles);
	json_uint("masked", o->n_masked);
	json_uint("unreadable", o->n_unread);
	json_uint("without_shadow", o->n_uncompiled);
	json_close('}');
	json_uint("damaged_shadows", o->n_damaged);
	put_programs(o);
	json_open("pack", '{');
	json_string("state", o->pack);
	json_uint("launches", o->pack_launches);
	json_uint("pages", o->pack_pages);
	json_close('}');
	json_open("watcher", '{');
	status_put_watcher(&o->watcher, o->watcher_runs);
	json_close('}');
	put_boot(o);
	status_training_json(&o->training);
	json_open("boots", '{');
	status_put_boot_gain(&o->boots, &o->gain);
	json_close('}');
	json_close('}');
}

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
	      "Whether reading ahead for the boot was switched off, for it gains nothing.",
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

/* The text format of Prometheus, version 0.0.4. */
static void print_metrics(const struct overview *o)
{
	const struct boot_report *r = &o->report;

	gauge("profiles", "Profiles that are installed and not masked.",
	      (double)o->n_profiles);
	gauge("profiles_without_shadow", "Of these, not compiled or not readable.",
	      (double)(o->n_uncompiled + o->n_unread));
	metric("shadows", "gauge", "Compiled profiles, by what their files are now.");
	printf("elfcast_shadows{state=\"valid\"} %zu\n", o->n_with[WORTH_VALID]);
	printf("elfcast_shadows{state=\"partly-stale\"} %zu\n",
	       o->n_with[WORTH_PARTLY_STALE]);
	printf("elfcast_shadows{state=\"stale\"} %zu\n", o->n_with[WORTH_STALE]);
	printf("elfcast_shadows{state=\"damaged\"} %zu\n", o->n_damaged);
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
	printf("elfcast_launches_total{what=\"dropped\"} %" PRIu64 "\n",
	       o->watcher.n_dropped);
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

static int show(const struct store *s, void (*print)(const struct overview *))
{
	_cleanup_(overview_done) struct overview o = { 0 };
	int r = look(s, &o);

	if (r < 0) {
		log_errno(r, "cannot look at what is installed");
		return CMD_FAILED;
	}
	print(&o);
	return CMD_DONE;
}

int status_overview(const struct store *s)
{
	return show(s, arg_json ? print_json : print_text);
}

int status_metrics(const struct store *s)
{
	return show(s, print_metrics);
}
