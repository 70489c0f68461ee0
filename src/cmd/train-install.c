/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "launch-shadows.h"
#include "log.h"
#include "reconcile.h"
#include "train-install.h"
#include "train-name.h"

#define LOCK_TIMEOUT_MS 30000

static void on_problem(const char *path, const struct diag *d, _unused_ void *userdata)
{
	log_diag(path, d);
}

static int compile(const struct store *s, const char *name)
{
	const struct reconcile_options options = {
		.storage_override = -1,
		.lock_timeout_ms = LOCK_TIMEOUT_MS,
		.on_problem = on_problem,
	};
	struct reconcile_result result;
	int r = reconcile_run(s, &options, &result);

	return r < 0 ? log_errno(r, "cannot compile the profile '%s'", name) : 0;
}

static int note_replaced(const struct store *s, struct train_installed *ret)
{
	_cleanup_(profile_freep) struct profile *old = NULL;
	int r = train_load_installed(s, ret->name, &old);

	ret->has_replaced = r != -ENOENT;
	ret->n_replaced_runs = r == 0 ? old->n_runs : 0;
	return r == -ENOMEM ? r : 0;
}

/* What is there is looked at and replaced in one step: others may be training now. */
static int put(const struct store *s, const struct train_install *o, struct profile **p,
	       struct train_installed *ret)
{
	_cleanup_close_ int lock = store_lock_profiles(s, LOCK_TIMEOUT_MS);
	int r = lock < 0 ? lock : train_choose_name(s, *p, &ret->name);

	if (r == 0)
		r = note_replaced(s, ret);
	if (r == 0)
		r = train_auto_add(s, ret->name, o->why, p, &ret->n_new_pages);
	if (r == 0)
		r = profile_write(*p, &ret->text, &ret->bytes);
	return r < 0 ? r : store_put_profile(s, ret->name, ret->text, ret->bytes);
}

/* What a launch reads now, if nobody says which scenario it is one of. */
static int find_read(const struct store *s, const struct profile *p,
		     struct train_installed *ret)
{
	_cleanup_(program_done) struct program_paths program = { 0 };
	_cleanup_(launch_shadows_done) struct launch_shadows l = { 0 };
	int r = program_find(s, p->program, &program);

	if (r == 0)
		r = launch_shadows_find(s, &program, NULL, &l);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	ret->n_read = l.n;
	for (size_t i = 0; i < l.n; i++)
		ret->is_read |= strcmp(l.items[i].profile, ret->name) == 0;
	if (!ret->is_read && l.n > 0)
		ret->read_instead = TAKE_PTR(l.items[0].profile);
	return 0;
}

int train_install(const struct train_install *o, struct profile **p,
		  struct train_installed *ret)
{
	_cleanup_(store_done) struct store store = { 0 };
	_cleanup_(train_installed_done) struct train_installed in = { 0 };
	int r = store_open(o->root, false, &store);

	if (r < 0)
		return log_errno(r, "cannot open root '%s'", o->root ? o->root : "/");
	r = put(&store, o, p, &in);
	if (r < 0)
		return log_errno(r, "cannot install the profile of '%s'", (*p)->program);
	if (o->is_system && strcmp((*p)->scenario, SCENARIO_BOOT) == 0)
		train_auto_note(&store, in.name, *p, in.n_new_pages);
	r = compile(&store, in.name);
	if (r == 0)
		r = find_read(&store, *p, &in);
	if (r < 0)
		return r;
	*ret = in;
	in = (struct train_installed){ 0 };
	return 0;
}

void train_installed_done(struct train_installed *i)
{
	free(i->name);
	free(i->text);
	free(i->read_instead);
	*i = (struct train_installed){ 0 };
}
