/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be mended, the worst first, each with the command that does it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "macro.h"
#include "status-look.h"
#include "utf8.h"

void status_add_problem(struct status_problems *p, const char *kind, bool is_hint,
			const char *command, const char *format, ...)
{
	struct status_problem *x = &p->items[p->n];
	va_list ap;

	if (p->n == STATUS_PROBLEMS) {
		p->n_more += !is_hint;
		return;
	}
	p->n++;
	x->kind = kind;
	x->is_hint = is_hint;
	va_start(ap, format);
	vsnprintf(x->text, sizeof(x->text), format, ap);
	va_end(ap);
	snprintf(x->command, sizeof(x->command), "%s", command);
	utf8_blank(x->text);
	utf8_blank(x->command);
}

void status_train_command(const struct known_launch *l, char *ret, size_t bytes)
{
	snprintf(ret, bytes,
		 l->file && l->file->from_etc ? "elfcast train --again %s"
					      : "elfcast train --install -- %s ...",
		 known_program(l));
}

bool status_is_orphan(const struct known_launch *l)
{
	return !l->file && l->state <= KNOWN_STALE;
}

bool status_is_of_boot(const struct known_launch *l)
{
	static const char *const process_1[] = { "/usr/lib/systemd/systemd",
						 "/lib/systemd/systemd", "/sbin/init",
						 "/usr/sbin/init", "/init" };

	if (strcmp(known_scenario(l), SCENARIO_BOOT) == 0)
		return true;
	for (size_t i = 0; l->shadow.data && i < ARRAY_SIZE(process_1); i++)
		if (strcmp(known_file(l), process_1[i]) == 0 ||
		    strcmp(known_program(l), process_1[i]) == 0)
			return true;
	return false;
}

bool status_wants_compile(const struct known_launch *l)
{
	return l->state <= KNOWN_STALE &&
	       (l->totals.n_changed > 0 || (l->is_pending && l->state != KNOWN_VALID));
}

bool status_wants_training(const struct known_launch *l)
{
	const struct totals *t = &l->totals;

	return (l->state == KNOWN_STALE || l->state == KNOWN_PARTLY_STALE) &&
	       !status_wants_compile(l) && !status_is_of_boot(l) &&
	       t->n_usable + t->n_unreadable < t->n_objects;
}

/* It changed after its shadow was made, and was not looked at: no hook did. */
static bool is_changed(const struct known_launch *l)
{
	return status_wants_compile(l) && l->totals.n_changed_elf > 0;
}

/* Other builds that are to be retargeted the hook leaves: the timer takes them up. */
static bool is_to_retarget(const struct known_launch *l)
{
	return status_wants_compile(l) && l->totals.n_changed == 0 &&
	       l->totals.n_stale_elf > 0;
}

/* So it does data files, which change at any time. */
static bool is_for_later(const struct known_launch *l)
{
	return status_wants_compile(l) && l->totals.n_changed_elf == 0 &&
	       !is_to_retarget(l);
}

/* A package's profile of another build is nobody's fault here, and comes back with its next release. */
static bool is_stale_as_shipped(const struct known_launch *l)
{
	return l->state == KNOWN_STALE && status_wants_training(l) && l->file &&
	       !l->file->from_etc;
}

static void add_changed(struct status_problems *p, const struct known *k)
{
	size_t n = known_count_programs_of(k, is_changed),
	       n_later = known_count_programs_of(k, is_for_later),
	       n_retarget = known_count_programs_of(k, is_to_retarget);

	if (n > 0)
		status_add_problem(
			p, "changed", false, "elfcast compile",
			"files of %zu program%s changed and were not looked at since", n,
			n == 1 ? "" : "s");
	if (n_later > 0)
		status_add_problem(p, "to-compile", true, "elfcast compile",
				   "the next compile takes up changed files of %zu "
				   "program%s",
				   n_later, n_later == 1 ? "" : "s");
	if (n_retarget > 0)
		status_add_problem(p, "to-retarget", true, "elfcast compile",
				   "%zu program%s other builds now, in which the next "
				   "compile looks for their pages",
				   n_retarget, n_retarget == 1 ? " has" : "s have");
}

static void add_programs(struct status_problems *p, const struct known *k)
{
	size_t n_shipped = known_count_programs_of(k, is_stale_as_shipped);

	add_changed(p, k);
	for (size_t i = 0; i < k->n; i++) {
		const struct known_launch *l = &k->items[i];
		char command[512];

		if (l->state != KNOWN_STALE || !status_wants_training(l) || !l->file ||
		    !l->file->from_etc)
			continue;
		status_train_command(l, command, sizeof(command));
		status_add_problem(p, "stale", false, command,
				   "%s is another build than its profile '%s' knows",
				   known_program(l), known_profile(l));
	}
	if (n_shipped > 0)
		status_add_problem(p, "stale-shipped", true, "elfcast list",
				   "%zu program%s that packages' profiles know", n_shipped,
				   n_shipped == 1 ? " is not the build"
						  : "s are not the builds");
}

/* Nobody here can make a package's profile a good one. */
static void add_unusable(struct status_problems *p, const struct known_launch *l)
{
	bool is_damaged = l->state == KNOWN_DAMAGED;
	char command[512] = "";

	if (!is_damaged && l->state != KNOWN_UNREADABLE)
		return;
	if (is_damaged && l->file->from_etc)
		snprintf(command, sizeof(command), "elfcast remove %s", l->file->name);
	status_add_problem(p, is_damaged ? "damaged-profile" : "unreadable", false, command,
			   "%s", l->problem);
}

static void add_profiles(struct status_problems *p, const struct overview *o)
{
	size_t n = overview_uncompiled(o), n_orphans = 0;

	for (size_t i = 0; i < o->known.n; i++) {
		add_unusable(p, &o->known.items[i]);
		n_orphans += status_is_orphan(&o->known.items[i]);
	}
	if (n > 0)
		status_add_problem(p, "not-compiled", false, "elfcast compile",
				   "%zu profile%s no shadow", n,
				   n == 1 ? " has" : "s have");
	if (n_orphans > 0)
		status_add_problem(p, "profile-gone", false, "elfcast compile",
				   "%zu profile%s gone, and still used", n_orphans,
				   n_orphans == 1 ? " is" : "s are");
	if (o->known.n_damaged > 0)
		status_add_problem(p, "damaged", false, "elfcast compile",
				   "%zu shadow%s damaged", o->known.n_damaged,
				   o->known.n_damaged == 1 ? " is" : "s are");
}

/* Retargeting does without. It is of a package's, so nobody here can make it a good one. */
static void add_evidence(struct status_problems *p, const struct overview *o)
{
	const struct diag *d = &o->evidence.diag;
	const char *name = o->evidence.name;
	char at[32] = "";

	if (!*name && !*d->message)
		return;
	if (d->line > 0)
		snprintf(at, sizeof(at), ":%u:%u", d->line, d->column);
	status_add_problem(p, "damaged-evidence", false, "", "%s%s%s%s: %s", STORE_EVIDENCE,
			   *name ? "/" : "", name, at, d->message);
}

static void add_boot(struct status_problems *p, const struct overview *o)
{
	size_t n_usable =
		o->known.n_with[KNOWN_VALID] + o->known.n_with[KNOWN_PARTLY_STALE];

	if (o->boot_allowed && n_usable > 0 && strcmp(o->pack, "there") != 0)
		status_add_problem(p, "pack", false, "elfcast compile",
				   "the pack for boot is %s", o->pack);
	if (o->has_report && *o->report.stopped)
		status_add_problem(p, "boot-stopped", false, "elfcast status --boots",
				   "reading ahead at the last boot did not end: %s",
				   o->report.stopped);
}

static void add_watcher(struct status_problems *p, const struct overview *o)
{
	const struct watch_state *w = &o->watcher;

	if (o->watcher_runs && w->n_unwatched > 0)
		status_add_problem(p, "unwatched", false, "journalctl -u elfcastd",
				   "%" PRIu64 " program%s cannot be watched",
				   w->n_unwatched, w->n_unwatched == 1 ? "" : "s");
	if (o->watcher_runs && w->last_error)
		status_add_problem(p, "watcher", false, "journalctl -u elfcastd",
				   "the watcher cannot write: %s",
				   strerror((int)w->last_error));
	if (w->n_overflows > 0)
		status_add_problem(
			p, "overflows", true, "",
			"launches came too many at once, and were not counted, %" PRIu64
			" time%s",
			w->n_overflows, w->n_overflows == 1 ? "" : "s");
	if (!o->watcher_runs && o->is_this_system && o->watch_allowed)
		status_find_watcher_problems(o, p);
}

size_t status_find_problems(const struct overview *o,
			    struct status_problem ret[static STATUS_PROBLEMS],
			    size_t *ret_more)
{
	struct status_problems p = { .items = ret };

	add_profiles(&p, o);
	add_evidence(&p, o);
	add_boot(&p, o);
	status_find_boot_problems(o, &p);
	add_programs(&p, &o->known);
	add_watcher(&p, o);
	*ret_more = p.n_more;
	return p.n;
}
