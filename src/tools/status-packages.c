/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status --packages: what the installed packages have of profiles, and how good they are. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "installed.h"
#include "json-out.h"
#include "launch-shadows.h"
#include "log.h"
#include "mounts.h"
#include "store.h"
#include "summary.h"
#include "text-out.h"
#include "tool.h"

/* A shadow and what its files are now. */
struct shadow_status {
	struct shadow_buffer launch;
	struct summary summary;
	size_t n_objects, n_usable;
	enum worth worth;
};

struct package_status {
	size_t n_programs; /* shadows of programs that are its own, and there */
	size_t n_absent;   /* of programs that are not there */
	size_t n_objects;  /* its files in shadows of any program, each file once */
	enum worth worst;  /* of its programs */
};

struct status {
	struct store store;
	struct mounts *mounts;
	struct name_list names; /* of shadows */
	struct profile_list profiles;
	struct shadow_status *shadows;
	size_t n_shadows, n_damaged, n_uncompiled, n_absent;
	struct wanted wanted;
	struct installed installed;
	struct package_status *packages; /* [0]: files of no package */
};

static void status_done(struct status *s)
{
	for (size_t i = 0; i < s->n_shadows; i++) {
		summary_done(&s->shadows[i].summary);
		shadow_buffer_done(&s->shadows[i].launch);
	}
	free(s->shadows);
	free(s->packages);
	name_list_done(&s->names);
	profile_list_done(&s->profiles);
	wanted_done(&s->wanted);
	installed_done(&s->installed);
	mounts_free(s->mounts);
	store_done(&s->store);
}

/* ---- shadows ---- */

static int want_shadow(struct status *s, const struct shadow_status *x)
{
	int r = wanted_add(&s->wanted, x->summary.program, false);

	for (size_t i = 0; r == 0 && i < x->summary.n_rows; i++)
		r = wanted_add(&s->wanted, x->summary.rows[i].path, false);
	return r;
}

/* A damaged shadow is counted, and no more: the next compile makes it new. */
static int read_shadow(struct status *s, const char *name, struct facts_context *facts)
{
	struct shadow_status *x = &s->shadows[s->n_shadows];
	int r = store_load(&s->store, STORE_SHADOW, name, &x->launch);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		s->n_damaged++;
		return 0;
	}
	s->n_shadows++; /* from here on status_done() frees it */
	r = summary_from_shadow(&x->launch, facts, &x->summary);
	if (r < 0)
		return r;
	x->n_objects = summary_count(&x->summary).n_objects;
	x->n_usable = summary_count(&x->summary).n_usable;
	x->worth = summary_judge(&x->summary);
	s->n_absent += x->summary.is_absent;
	return want_shadow(s, x);
}

static int read_shadows(struct status *s)
{
	struct facts_context facts = { .rootfd = s->store.rootfd,
				       .root_path = s->store.root_path,
				       .mounts = s->mounts,
				       .storage_override = -1 };
	int r = store_list_shadows(&s->store, &s->names);

	if (r < 0)
		return r;
	s->shadows = calloc(s->names.n + 1, sizeof(*s->shadows));
	if (!s->shadows)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < s->names.n; i++)
		r = read_shadow(s, s->names.names[i], &facts);
	facts_done(&facts);
	return r == 0 ? wanted_prepare(&s->wanted) : r;
}

static int count_uncompiled(struct status *s)
{
	int r = store_list_profiles(&s->store, &s->profiles);

	for (size_t i = 0; r == 0 && i < s->profiles.n; i++)
		if (!s->profiles.items[i].masked &&
		    !store_has_shadow(&s->names, s->profiles.items[i].name))
			s->n_uncompiled++;
	return r;
}

/* ---- packages ---- */

static size_t owner_of(const struct status *s, const char *path)
{
	char folded[LIMIT_PATH_BYTES + 8];
	const struct wanted_file *f;

	if (wanted_fold(path, folded, sizeof(folded)) < 0)
		return 0;
	f = wanted_find(&s->wanted, folded);
	return f ? f->owner : 0;
}

static int sum_up(struct status *s)
{
	s->packages = calloc(s->installed.packages.n + 1, sizeof(*s->packages));
	if (!s->packages)
		return -ENOMEM;
	for (size_t i = 0; i < s->wanted.n; i++)
		s->packages[s->wanted.files[i].owner].n_objects++;
	for (size_t i = 0; i < s->n_shadows; i++) {
		const struct shadow_status *x = &s->shadows[i];
		struct package_status *p = &s->packages[owner_of(s, x->summary.program)];

		if (x->summary.is_absent) {
			p->n_absent++;
			continue;
		}
		p->n_programs++;
		p->worst = MAX(p->worst, x->worth);
	}
	return 0;
}

static int read_all(struct status *s, struct diag *diag)
{
	int r = mounts_load(&s->mounts);

	if (r == 0)
		r = read_shadows(s);
	if (r == 0)
		r = count_uncompiled(s);
	if (r == 0)
		r = installed_read(s->store.rootfd, s->store.root_path, &s->wanted,
				   &s->installed, diag);
	return r == 0 ? sum_up(s) : r;
}

struct totals_of_packages {
	size_t in_state[WORTHS], with_objects;
};

static struct totals_of_packages count_packages(const struct status *s)
{
	struct totals_of_packages t = { 0 };

	for (size_t i = 1; i <= s->installed.packages.n; i++) {
		if (s->packages[i].n_programs > 0)
			t.in_state[s->packages[i].worst]++;
		else if (s->packages[i].n_objects > 0)
			t.with_objects++;
	}
	return t;
}

/* ---- output ---- */

static const char *name_of(const struct status *s, size_t package)
{
	return package ? s->installed.packages.names[package - 1] : NULL;
}

static const char *state_of(const struct shadow_status *x)
{
	return x->summary.is_absent ? "absent" : worth_text(x->worth);
}

/* What is not installed is no package's. */
static bool is_listed(const struct status *s, const struct shadow_status *x, size_t package)
{
	return owner_of(s, x->summary.program) == package &&
	       (!x->summary.is_absent || log_get_level() >= LOG_LEVEL_DEBUG || arg_json);
}

static void print_programs(FILE *f, const struct status *s, size_t package)
{
	for (size_t i = 0; i < s->n_shadows; i++) {
		const struct shadow_status *x = &s->shadows[i];
		const char *name = name_of(s, package);

		if (!is_listed(s, x, package))
			continue;
		fprintf(f, "%s: ", name ? name : "(no package)");
		text_put(f, x->summary.program);
		fprintf(f, " (%s): %s, %zu of %zu object%s\n", x->summary.scenario,
			state_of(x), x->n_usable, x->n_objects,
			x->n_objects == 1 ? "" : "s");
	}
}

static void print_sums(FILE *f, const struct status *s)
{
	struct totals_of_packages t = count_packages(s);
	size_t with = t.in_state[WORTH_VALID] + t.in_state[WORTH_PARTLY_STALE] +
		      t.in_state[WORTH_STALE];

	fprintf(f,
		"%zu of %zu package%s (%s) %s profiles: %zu valid, %zu partly stale, %zu "
		"stale; "
		"%zu %s only objects of others, %zu nothing\n",
		with, s->installed.packages.n, s->installed.packages.n == 1 ? "" : "s",
		s->installed.manager, with == 1 ? "has" : "have", t.in_state[WORTH_VALID],
		t.in_state[WORTH_PARTLY_STALE], t.in_state[WORTH_STALE], t.with_objects,
		t.with_objects == 1 ? "has" : "have",
		s->installed.packages.n - with - t.with_objects);
}

static void print_table(FILE *f, const struct status *s)
{
	for (size_t i = 0; i <= s->installed.packages.n; i++) {
		const struct package_status *p = &s->packages[i];

		if (p->n_programs + p->n_absent > 0)
			print_programs(f, s, i);
		else if (i > 0 && log_get_level() >= LOG_LEVEL_DEBUG)
			fprintf(f, "%s: no profile, %zu object%s of others\n",
				name_of(s, i), p->n_objects, p->n_objects == 1 ? "" : "s");
	}
	if (log_get_level() >= LOG_LEVEL_INFO)
		print_sums(f, s);
}

static int print_text(const struct status *s)
{
	struct text_lines t;

	if (text_open(&t) < 0)
		return CMD_FAILED;
	print_table(t.f, s);
	if (text_close(&t) < 0)
		return CMD_FAILED;
	if (s->n_absent > 0)
		log_info("%zu profile%s of programs that are not installed", s->n_absent,
			 s->n_absent == 1 ? "" : "s");
	if (s->n_uncompiled + s->n_damaged > 0)
		log_warning("%zu profile%s without a shadow, %zu damaged shadow%s: "
			    "see 'elfcast status'",
			    s->n_uncompiled, s->n_uncompiled == 1 ? "" : "s", s->n_damaged,
			    s->n_damaged == 1 ? "" : "s");
	return CMD_DONE;
}

static void put_programs(const struct status *s, size_t package)
{
	json_open("programs", '[');
	for (size_t i = 0; i < s->n_shadows; i++) {
		const struct shadow_status *x = &s->shadows[i];

		if (!is_listed(s, x, package))
			continue;
		json_open(NULL, '{');
		json_string("program", x->summary.program);
		json_string("scenario", x->summary.scenario);
		json_string("state", state_of(x));
		json_uint("objects", x->n_objects);
		json_uint("usable", x->n_usable);
		json_close('}');
	}
	json_close(']');
}

static void put_json(const struct status *s)
{
	json_open(NULL, '{');
	json_string("manager", s->installed.manager);
	json_uint("profiles_without_shadow", s->n_uncompiled);
	json_uint("damaged_shadows", s->n_damaged);
	json_open("packages", '[');
	for (size_t i = 0; i <= s->installed.packages.n; i++) {
		const struct package_status *p = &s->packages[i];

		if (i == 0 && p->n_programs + p->n_absent + p->n_objects == 0)
			continue;
		json_open(NULL, '{');
		json_string("name", name_of(s, i));
		json_string("state", p->n_programs ? worth_text(p->worst) : "none");
		json_uint("objects", p->n_objects);
		put_programs(s, i);
		json_close('}');
	}
	json_close(']');
	json_close('}');
}

static const struct cmd cmd_status_packages;

static int show_status(void)
{
	_cleanup_(status_done) struct status s = { .store.rootfd = -1 };
	struct diag diag = { 0 };
	int r = cmd_open_store(&s.store);

	if (r < 0)
		return CMD_FAILED;
	r = read_all(&s, &diag);
	if (r < 0 && diag.message[0]) {
		log_error("%s: %s", s.store.root_path, diag.message);
		return CMD_FAILED;
	}
	if (r < 0) {
		log_errno(r, "cannot look at the shadows of '%s'", s.store.root_path);
		return CMD_FAILED;
	}
	if (arg_json)
		put_json(&s);
	else
		return print_text(&s);
	return CMD_DONE;
}

static int run(int argc, char *argv[])
{
	static int is_here; /* how elfcast got here */
	static const struct option options[] = {
		{ "packages", no_argument, &is_here, true },
		COMMON_LONGOPTS,
	};
	int r = cmd_take_flags(&cmd_status_packages, argc, argv, options);

	if (r < 0)
		r = cmd_refuse_arguments(&cmd_status_packages, argc, argv);
	return r < 0 ? show_status() : r;
}

static const struct cmd cmd_status_packages = {
	.name = "status",
	.args = "--packages [--root=DIR]",
	.summary = "which installed packages have profiles, and valid shadows",
	.options = "      --packages      by package\n",
	.run = run,
};

const struct cmd *const tool_cmd = &cmd_status_packages;
