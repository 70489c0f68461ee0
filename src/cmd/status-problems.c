/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be mended, the worst first, each with the command that does it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "status-look.h"
#include "utf8.h"

struct problems {
	struct status_problem *items;
	size_t n, n_more;
};

_printf_(5, 6) static void add(struct problems *p, const char *kind, bool is_hint,
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

/*
 * Objects that changed after their shadow was made: compile looks at them again. A package's profile
 * of another build is nobody's fault here, and comes back with its next release.
 */
static void add_programs(struct problems *p, const struct known *k)
{
	size_t n_changed = 0, n_shipped = 0;

	for (size_t i = 0; i < k->n; i++) {
		const struct known_launch *l = &k->items[i];

		n_changed += l->state <= KNOWN_STALE && l->totals.n_changed > 0;
		n_shipped += l->state == KNOWN_STALE && l->totals.n_changed == 0 &&
			     l->file && !l->file->from_etc;
	}
	if (n_changed > 0)
		add(p, "changed", false, "elfcast compile",
		    "files of %zu program%s changed and were not looked at since",
		    n_changed, n_changed == 1 ? "" : "s");
	for (size_t i = 0; i < k->n; i++) {
		const struct known_launch *l = &k->items[i];
		char command[512];

		if (l->state != KNOWN_STALE || l->totals.n_changed > 0 || !l->file ||
		    !l->file->from_etc)
			continue;
		status_train_command(l, command, sizeof(command));
		add(p, "stale", false, command,
		    "%s is another build than its profile '%s' knows", known_program(l),
		    known_profile(l));
	}
	if (n_shipped > 0)
		add(p, "stale-shipped", true, "elfcast list",
		    "%zu program%s than packages' profiles know", n_shipped,
		    n_shipped == 1 ? " is another build" : "s are other builds");
}

static void add_profiles(struct problems *p, const struct overview *o)
{
	size_t n = overview_uncompiled(o);

	for (size_t i = 0; i < o->known.n; i++) {
		const struct known_launch *l = &o->known.items[i];
		char path[512];

		if (l->state != KNOWN_UNREADABLE)
			continue;
		store_profile_path(l->file, path, sizeof(path));
		add(p, "unreadable", false, "elfcast compile",
		    "%s is not used, and compile says why", path);
	}
	if (n > 0)
		add(p, "not-compiled", false, "elfcast compile", "%zu profile%s no shadow",
		    n, n == 1 ? " has" : "s have");
	if (o->known.n_damaged > 0)
		add(p, "damaged", false, "elfcast compile", "%zu shadow%s damaged",
		    o->known.n_damaged, o->known.n_damaged == 1 ? " is" : "s are");
}

static void add_boot(struct problems *p, const struct overview *o)
{
	size_t n_usable =
		o->known.n_with[KNOWN_VALID] + o->known.n_with[KNOWN_PARTLY_STALE];

	if (o->boot_allowed && n_usable > 0 && strcmp(o->pack, "there") != 0)
		add(p, "pack", false, "elfcast compile", "the pack for boot is %s",
		    o->pack);
	if (o->has_report && *o->report.stopped)
		add(p, "boot-stopped", false, "elfcast status --boots",
		    "reading ahead at the last boot did not end: %s", o->report.stopped);
}

static void add_watcher(struct problems *p, const struct overview *o)
{
	const struct watch_state *w = &o->watcher;

	if (o->watcher_runs && w->n_unwatched > 0)
		add(p, "unwatched", false, "journalctl -u elfcastd",
		    "%" PRIu64 " program%s cannot be watched", w->n_unwatched,
		    w->n_unwatched == 1 ? "" : "s");
	if (o->watcher_runs && w->last_error)
		add(p, "watcher", false, "journalctl -u elfcastd",
		    "the watcher cannot write: %s", strerror((int)w->last_error));
	if (w->n_overflows > 0)
		add(p, "overflows", true, "",
		    "launches came too many at once, and were not counted, %" PRIu64
		    " time%s",
		    w->n_overflows, w->n_overflows == 1 ? "" : "s");
	if (!o->watcher_runs && o->is_this_system && o->watch_allowed && o->known.n > 0)
		add(p, "not-watched", true, "systemctl enable --now elfcastd",
		    "launches are not read ahead and not counted");
}

size_t status_find_problems(const struct overview *o,
			    struct status_problem ret[static STATUS_PROBLEMS],
			    size_t *ret_more)
{
	struct problems p = { .items = ret };

	add_profiles(&p, o);
	add_boot(&p, o);
	add_programs(&p, &o->known);
	add_watcher(&p, o);
	*ret_more = p.n_more;
	return p.n;
}
