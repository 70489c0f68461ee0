/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ten lines: what is known here, what elfcast did since boot, what is to be mended and how; the
 * same as JSON, and as a check for monitoring.
 */
#include <inttypes.h>
#include <stdio.h>

#include "bounds.h"
#include "cmd.h"
#include "json-out.h"
#include "log.h"
#include "status-look.h"
#include "status.h"
#include "text-out.h"

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static void print_programs(FILE *f, const struct known *k)
{
	size_t n_with[KNOWN_STATES];
	bool any = false;

	known_count_programs(k, n_with);
	fputs("programs:  ", f);
	for (size_t i = 0; i < KNOWN_STATES; i++) {
		if (n_with[i] == 0)
			continue;
		fprintf(f, "%s%zu %s", any ? ", " : "", n_with[i],
			known_state_text((enum known_state)i));
		any = true;
	}
	fprintf(f, "%s\n", any ? "" : "none have profiles");
}

static void print_boot(FILE *f, const struct overview *o)
{
	const struct boot_report *r = &o->report;

	if (!o->has_report) {
		fputs("last boot: nothing is known of it\n", f);
		return;
	}
	fprintf(f, "last boot: %s", r->outcome);
	if (r->asked_bytes > 0)
		fprintf(f,
			", %.1f MiB asked for: %.1f read, %.1f there already; "
			"%" PRIu64 " of %" PRIu64 " objects, %.2f s, CPU %.0f ms",
			mib(r->asked_bytes), mib(r->read_bytes), mib(r->there_bytes),
			r->n_objects_used, r->n_objects, r->ms / 1000, r->cpu_ms);
	if (*r->stopped)
		fprintf(f, ", stopped: %s", r->stopped);
	fputc('\n', f);
}

static void print_waste(FILE *f, const struct overview *o)
{
	const struct usage_sums *u = &o->usage;
	uint64_t n_pages = u->used_pages + u->not_used_pages;

	if (!o->has_report || n_pages == 0)
		return;
	if (!u->unknown)
		fprintf(f,
			"wasted:    %.1f of %.1f MiB so far, for programs not launched "
			"yet\n",
			mib(u->not_used_pages * PAGE_BYTES), mib(n_pages * PAGE_BYTES));
	else
		fprintf(f, "wasted:    not known: %s\n", u->unknown);
}

static void print_problem(FILE *f, const struct status_problem *p)
{
	fprintf(f, *p->command ? "%s: '%s'\n" : "%s\n", p->text, p->command);
}

static void print_problems(FILE *f, const struct overview *o)
{
	struct status_problem problems[STATUS_PROBLEMS];
	size_t n_more, n = status_find_problems(o, problems, &n_more);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		const struct status_problem *p = &problems[i];

		if (!p->is_hint && !any)
			fputs("to mend:\n", f);
		any |= !p->is_hint;
		fputs(p->is_hint ? "hint:      " : "  ", f);
		print_problem(f, p);
	}
	if (n_more > 0)
		fprintf(f, "  and %zu more: 'elfcast list'\n", n_more);
	if (!any)
		fputs("to mend:   nothing\n", f);
}

/* Nothing at all where nothing is to be mended. */
static void print_quiet(FILE *f, const struct overview *o)
{
	struct status_problem problems[STATUS_PROBLEMS];
	size_t n_more, n = status_find_problems(o, problems, &n_more);

	for (size_t i = 0; i < n; i++)
		if (!problems[i].is_hint)
			print_problem(f, &problems[i]);
}

static void print_text(FILE *f, const struct overview *o)
{
	print_programs(f, &o->known);
	fprintf(f, "pack:      %s", o->pack);
	if (o->pack_launches > 0)
		fprintf(f, ", %" PRIu64 " launch%s, %.1f MiB", o->pack_launches,
			o->pack_launches == 1 ? "" : "es", mib(o->pack_pages * PAGE_BYTES));
	fprintf(f, "\nwatcher:   ");
	status_print_watcher(f, &o->watcher, o->watcher_runs);
	fputs("saved:     ", f);
	status_print_launch_gain(f, &o->launches, &o->watcher);
	print_boot(f, o);
	print_waste(f, o);
	fputs("boots:     ", f);
	status_print_boot_gain(f, &o->boots, &o->gain);
	if (o->is_container)
		fputs("next boot: not of this system: in a container nothing is read or "
		      "recorded at boot, the host reads ahead\n",
		      f);
	else
		status_training_print(f, &o->training);
	print_problems(f, o);
}

static int print_people(const struct overview *o)
{
	struct text_lines t;

	if (text_open(&t) < 0)
		return CMD_FAILED;
	if (log_get_level() < LOG_LEVEL_INFO)
		print_quiet(t.f, o);
	else
		print_text(t.f, o);
	return text_close(&t) < 0 ? CMD_FAILED : CMD_DONE;
}

/* ---- JSON ---- */

static void put_programs(const struct known *k)
{
	json_open("programs", '[');
	for (size_t i = 0; i < k->n; i++) {
		const struct known_launch *l = &k->items[i];

		if (!l->is_compiled)
			continue;
		json_open(NULL, '{');
		json_string("program", known_program(l));
		json_string("scenario", known_scenario(l));
		json_string("profile", known_profile(l));
		json_string("state", known_state_text(l->state));
		json_uint("objects", l->n_objects);
		json_uint("usable_objects", l->totals.n_usable);
		json_uint("retargeted_objects", l->totals.n_retargeted);
		json_uint("pages", l->totals.n_pages);
		json_uint("usable_pages", l->totals.n_pages_usable);
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

static void put_problems(const struct overview *o)
{
	struct status_problem problems[STATUS_PROBLEMS];
	size_t n_more, n = status_find_problems(o, problems, &n_more);

	json_open("problems", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(NULL, '{');
		json_string("kind", problems[i].kind);
		json_bool("hint", problems[i].is_hint);
		json_string("text", problems[i].text);
		json_string("command", *problems[i].command ? problems[i].command : NULL);
		json_close('}');
	}
	json_close(']');
}

static void put_waste(const struct usage_sums *u)
{
	if (u->unknown) {
		json_string("not_used_bytes", NULL);
		return;
	}
	json_uint("not_used_bytes", u->not_used_pages * PAGE_BYTES);
}

static void print_json(const struct overview *o)
{
	json_open(NULL, '{');
	json_open("profiles", '{');
	json_uint("installed", overview_profiles(o));
	json_uint("masked", o->known.n_with[KNOWN_MASKED]);
	json_uint("unreadable", o->known.n_with[KNOWN_UNREADABLE]);
	json_uint("damaged", o->known.n_with[KNOWN_DAMAGED]);
	json_uint("without_shadow", overview_uncompiled(o));
	json_close('}');
	json_uint("damaged_shadows", o->known.n_damaged);
	json_bool("container", o->is_container);
	put_programs(&o->known);
	json_open("pack", '{');
	json_string("state", o->pack);
	json_uint("launches", o->pack_launches);
	json_uint("pages", o->pack_pages);
	put_waste(&o->usage);
	json_close('}');
	json_open("watcher", '{');
	status_put_watcher(&o->watcher, o->watcher_runs);
	json_close('}');
	json_open("launches", '{');
	status_put_launch_gain(&o->launches, &o->watcher);
	json_close('}');
	put_boot(o);
	status_training_json(&o->training);
	json_open("boots", '{');
	status_put_boot_gain(&o->boots, &o->gain);
	json_close('}');
	put_problems(o);
	json_close('}');
}

int status_overview(const struct store *s)
{
	_cleanup_(overview_done) struct overview o = { 0 };

	if (overview_look(s, &o) < 0)
		return CMD_FAILED;
	if (arg_json)
		print_json(&o);
	else
		return print_people(&o);
	return CMD_DONE;
}

/* ---- for monitoring ---- */

/* The first line says all; those below it are for whoever looks. */
static void print_check(FILE *f, const struct overview *o,
			const struct status_problem *problems, size_t n, size_t n_real)
{
	size_t n_with[KNOWN_STATES], n_programs;

	known_count_programs(&o->known, n_with);
	n_programs = n_with[KNOWN_VALID] + n_with[KNOWN_PARTLY_STALE];
	if (n_real == 0)
		fprintf(f, "elfcast OK: %zu program%s\n", n_programs,
			n_programs == 1 ? "" : "s");
	else
		fprintf(f, "elfcast WARNING: %zu problem%s\n", n_real,
			n_real == 1 ? "" : "s");
	for (size_t i = 0; i < n; i++)
		if (!problems[i].is_hint)
			print_problem(f, &problems[i]);
}

int status_check(const struct store *s)
{
	_cleanup_(overview_done) struct overview o = { 0 };
	struct status_problem problems[STATUS_PROBLEMS];
	size_t n_more, n, n_real;

	if (overview_look(s, &o) < 0) {
		if (!arg_json)
			puts("elfcast UNKNOWN: cannot look at what is installed");
		return STATUS_CHECK_UNKNOWN;
	}
	n = status_find_problems(&o, problems, &n_more);
	n_real = n_more;
	for (size_t i = 0; i < n; i++)
		n_real += !problems[i].is_hint;
	if (arg_json) {
		json_open(NULL, '{');
		json_bool("ok", n_real == 0);
		put_problems(&o);
		json_close('}');
	} else {
		print_check(stdout, &o, problems, n, n_real);
	}
	return n_real > 0 ? CMD_FAILED : CMD_DONE;
}
