/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "config.h"
#include "known.h"
#include "log.h"
#include "mounts.h"

const char *known_state_text(enum known_state state)
{
	static const char *const texts[KNOWN_STATES] = {
		[KNOWN_VALID] = "valid",       [KNOWN_PARTLY_STALE] = "partly stale",
		[KNOWN_STALE] = "stale",       [KNOWN_UNCOMPILED] = "not compiled",
		[KNOWN_DAMAGED] = "damaged",   [KNOWN_UNREADABLE] = "unreadable",
		[KNOWN_DISABLED] = "disabled", [KNOWN_ABSENT] = "absent",
		[KNOWN_MASKED] = "masked",
	};

	return texts[state];
}

const char *known_program(const struct known_launch *l)
{
	return l->shadow.data ? launch_shadow_program(&l->shadow) : NULL;
}

const char *known_file(const struct known_launch *l)
{
	return l->shadow.data ? launch_shadow_file(&l->shadow) : NULL;
}

const char *known_scenario(const struct known_launch *l)
{
	return l->shadow.data ? launch_shadow_scenario(&l->shadow) : "default";
}

const char *known_profile(const struct known_launch *l)
{
	return l->file ? l->file->name : l->shadow.profile;
}

static bool is_same_launch(const struct known_launch *a, const struct known_launch *b)
{
	return a->shadow.data && b->shadow.data &&
	       strcmp(known_program(a), known_program(b)) == 0 &&
	       strcmp(known_scenario(a), known_scenario(b)) == 0;
}

bool known_is_ambiguous(const struct known *k, const struct known_launch *l)
{
	size_t i = (size_t)(l - k->items);

	return (i > 0 && is_same_launch(l, l - 1)) ||
	       (i + 1 < k->n && is_same_launch(l, l + 1));
}

/* Items are in the order of programs. */
static bool is_same_program(const struct known_launch *a, const struct known_launch *b)
{
	return a->shadow.data && b->shadow.data &&
	       strcmp(known_program(a), known_program(b)) == 0;
}

void known_count_programs(const struct known *k, size_t ret[static KNOWN_STATES])
{
	memset(ret, 0, KNOWN_STATES * sizeof(*ret));
	for (size_t i = 0; i < k->n;) {
		enum known_state best = k->items[i].state;
		size_t first = i;

		while (++i < k->n && is_same_program(&k->items[first], &k->items[i]))
			best = MIN(best, k->items[i].state);
		ret[best]++;
	}
}

size_t known_count_programs_of(const struct known *k,
			       bool (*wanted)(const struct known_launch *l))
{
	const struct known_launch *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++) {
		const struct known_launch *l = &k->items[i];

		if (!wanted(l))
			continue;
		n += !last || !is_same_program(last, l);
		last = l;
	}
	return n;
}

static void on_config_problem(const char *path, const struct diag *d,
			      _unused_ void *userdata)
{
	log_diag(path, d);
}

/* NAME: of a shadow; NULL: F has none. */
static int load_shadow(const struct store *s, const char *name, struct known_launch *l)
{
	int r = name ? store_load(s, STORE_SHADOW, name, &l->shadow) : -ENOENT;

	if (r == -ENOMEM)
		return r;
	l->is_damaged = name && r < 0;
	if (r < 0)
		return 0;
	l->is_compiled = true;
	l->shadow.profile = store_shadow_profile(name);
	return l->shadow.profile ? 0 : -ENOMEM;
}

static int judge(struct known_launch *l, struct facts_context *facts,
		 const struct config *c)
{
	_cleanup_(summary_done) struct summary summary = { 0 };
	int r;

	if (!l->shadow.data) {
		l->state = !l->file	     ? KNOWN_UNCOMPILED
			   : l->file->masked ? KNOWN_MASKED
			   : l->file->error  ? KNOWN_UNREADABLE
			   : l->problem	     ? KNOWN_DAMAGED
					     : KNOWN_UNCOMPILED;
		return 0;
	}
	r = summary_from_shadow(&l->shadow, facts, &summary);
	if (r < 0)
		return r;
	l->totals = summary_count(&summary);
	l->n_objects = l->totals.n_objects;
	l->worth = summary_judge(&summary);
	if (config_lists(&c->never, known_file(l)))
		l->state = KNOWN_DISABLED;
	else if (summary.is_absent)
		l->state = KNOWN_ABSENT;
	else
		l->state = l->is_compiled ? (enum known_state)l->worth : KNOWN_UNCOMPILED;
	return 0;
}

static int compare_launches(const void *pa, const void *pb)
{
	const struct known_launch *a = pa, *b = pb;
	int c;

	if (!a->shadow.data != !b->shadow.data)
		return a->shadow.data ? -1 : 1;
	c = a->shadow.data ? strcmp(known_program(a), known_program(b)) : 0;
	if (c == 0)
		c = strcmp(known_scenario(a), known_scenario(b));
	return c ? c : strcmp(known_profile(a), known_profile(b));
}

/* The shadow of F among NAMES, which is then NULL there: it is taken. */
static char *take_shadow(struct name_list *names, const char *profile)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->names[i] && store_shadow_is_from(names->names[i], profile))
			return TAKE_PTR(names->names[i]);
	return NULL;
}

/* F NULL: only its shadow is left, for the next compile to remove. */
static int add(struct known *k, const struct store *s, const struct profile_file *f,
	       const char *shadow)
{
	struct known_launch *l = &k->items[k->n];
	int r;

	*l = (struct known_launch){ .file = f };
	r = load_shadow(s, shadow, l);
	k->n_damaged += l->is_damaged;
	if (f || l->shadow.data) /* else nothing is known of it, not even a name */
		k->n++;		 /* known_done() frees it */
	return r;
}

/*
 * Programs whose own profiles compile has found: those that elfcast.conf names, and others that were
 * launched here, of which not everybody may know but by what came of it.
 */
static int find_embedded(const struct store *s, const struct config *c,
			 const struct name_list *shadows, struct name_list *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->embedded.n; i++)
		r = name_list_add(ret, c->embedded.names[i]);
	for (size_t i = 0; r == 0 && i < shadows->n; i++) {
		_cleanup_(shadow_buffer_done) struct shadow_buffer b = { 0 };
		_cleanup_free_ char *profile = store_shadow_profile(shadows->names[i]);

		if (!profile)
			return -ENOMEM;
		if (store_profile_is_embedded(profile) &&
		    store_load(s, STORE_SHADOW, shadows->names[i], &b) == 0)
			r = name_list_add(ret, launch_shadow_file(&b));
	}
	name_list_sort_unique(ret);
	return r;
}

static int add_all(const struct store *s, struct known *k, const struct config *c)
{
	_cleanup_(name_list_done) struct name_list names = { 0 }, embedded = { 0 };
	int r = store_list_profiles(s, &k->profiles);

	if (r == 0)
		r = store_list_shadows(s, &names);
	if (r == 0)
		r = find_embedded(s, c, &names, &embedded);
	if (r == 0)
		r = store_add_embedded(s, &embedded, &k->profiles);
	if (r == 0)
		k->items = calloc(k->profiles.n + names.n + 1, sizeof(*k->items));
	if (r == 0 && !k->items)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < k->profiles.n; i++) {
		const struct profile_file *f = &k->profiles.items[i];
		_cleanup_free_ char *shadow =
			f->masked || f->error < 0 ? NULL : take_shadow(&names, f->name);

		r = add(k, s, f, shadow);
	}
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (names.names[i])
			r = add(k, s, NULL, names.names[i]);
	return r;
}

static int load_all(const struct store *s, struct known *k, struct facts_context *facts,
		    const struct config *c)
{
	int r = add_all(s, k, c);

	if (r == 0)
		r = known_parse_uncompiled(s, facts, k);
	for (size_t i = 0; r == 0 && i < k->n; i++) {
		r = judge(&k->items[i], facts, c);
		k->n_with[k->items[i].state] += r == 0;
	}
	return r;
}

/* MOUNTS are borrowed. */
static int load(const struct store *s, struct mounts *mounts, struct known *ret)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct facts_context facts = { .rootfd = s->rootfd,
				       .root_path = s->root_path,
				       .storage_override = -1 };
	int r = config_load(s, &c, on_config_problem, NULL);

	if (r < 0)
		return r;
	facts.mounts = mounts;
	r = load_all(s, ret, &facts, &c);
	facts_done(&facts);
	if (ret->n > 0)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_launches);
	return r;
}

int known_load(const struct store *s, struct known *ret)
{
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	int r = cmd_load_mounts(&mounts);

	if (r < 0)
		return r;
	r = load(s, mounts, ret);
	return r < 0 ? log_errno(r, "cannot look at what is installed") : 0;
}

void known_done(struct known *k)
{
	for (size_t i = 0; i < k->n; i++) {
		shadow_buffer_done(&k->items[i].shadow);
		free(k->items[i].problem);
	}
	free(k->items);
	profile_list_done(&k->profiles);
	*k = (struct known){ 0 };
}

int known_find_called(const struct known *k, const char *name,
		      const struct known_launch **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < k->n; i++) {
		const struct known_launch *l = &k->items[i];

		if (!l->shadow.data || !(path_is_called(known_program(l), name) ||
					 path_is_called(known_file(l), name)))
			continue;
		if (*ret && strcmp(known_file(*ret), known_file(l)) != 0) {
			log_error(
				"several programs are called '%s', use a path: '%s', '%s'",
				name, known_program(*ret), known_program(l));
			return -ENOTUNIQ;
		}
		*ret = l;
	}
	return *ret ? 0 : -ENOENT;
}

/* Neither a program nor a profile is called NAME. */
static int log_unknown(int error, const char *name)
{
	if (error != -ENOENT || (arg_root && *arg_root) || strchr(name, '/') ||
	    access("/proc/self/fd", X_OK) < 0)
		return cmd_log_program(error, name);
	log_error("there is no program '%s' in $PATH, and no profile of that name", name);
	return error;
}

int known_find_program(const struct store *s, const struct known *k, const char *name,
		       char **ret)
{
	const struct known_launch *l;
	int r = program_resolve(s, name, ret), found;

	if (r == 0 || r == -ENOMEM)
		return r;
	found = known_find_called(k, name, &l);
	if (found == -ENOTUNIQ)
		return found;
	if (found < 0)
		return log_unknown(r, name);
	*ret = strdup(known_file(l));
	return *ret ? 0 : -ENOMEM;
}
