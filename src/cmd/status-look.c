/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "status-look.h"
#include "status.h"

void overview_done(struct overview *o)
{
	known_done(&o->known);
	boot_report_done(&o->report);
	status_gain_done(&o->launches);
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

/* What is wrong with settings known_load() has said. */
static int look_at_settings(const struct store *s, struct overview *o)
{
	_cleanup_(config_done) struct config c = { 0 };
	int r = config_load(s, &c, NULL, NULL);

	o->boot_allowed = config_allows_boot(&c);
	o->watch_allowed = c.watch && c.exec_read_ahead;
	o->train_allowed = c.boot_train;
	o->is_this_system = strcmp(s->root_path, "/") == 0;
	return r;
}

static int look(const struct store *s, struct overview *o)
{
	int r = look_at_settings(s, o);

	if (r < 0)
		return r;
	look_at_pack(s, o);
	look_at_boot(s, o);
	if (o->is_this_system) {
		o->is_container = access("/run/systemd/container", F_OK) == 0;
		status_units_look(o->units);
	}
	status_usage_sum(s, &o->usage);
	r = status_load_times(s, &o->launches);
	if (r == 0)
		r = status_training_look(s, &o->training);
	if (r == 0)
		r = parse_child_check_evidence(s, &o->evidence);
	return r < 0 ? r : status_load_boots(s, &o->boots, &o->gain);
}

int overview_look(const struct store *s, struct overview *ret)
{
	int r = known_load(s, &ret->known);

	if (r == 0)
		r = known_find_pending(s, &ret->known);
	if (r < 0)
		return r; /* which it has told */
	r = look(s, ret);
	return r < 0 ? log_errno(r, "cannot look at what is installed") : 0;
}

size_t overview_profiles(const struct overview *o)
{
	return o->known.profiles.n - o->known.n_with[KNOWN_MASKED];
}

size_t overview_unread(const struct overview *o)
{
	return o->known.n_with[KNOWN_UNREADABLE] + o->known.n_with[KNOWN_DAMAGED];
}

size_t overview_uncompiled(const struct overview *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->known.n; i++)
		n += o->known.items[i].state == KNOWN_UNCOMPILED &&
		     !o->known.items[i].is_damaged;
	return n;
}

size_t overview_with(const struct overview *o, enum worth worth)
{
	size_t n = 0;

	for (size_t i = 0; i < o->known.n; i++)
		n += o->known.items[i].is_compiled && o->known.items[i].worth == worth;
	return n;
}
