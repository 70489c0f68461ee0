/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "cmd.h"
#include "json-out.h"
#include "log.h"
#include "output.h"
#include "store.h"
#include "train-private.h"
#include "train-tell.h"

static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* More than that programs that do not know lookups would refuse as the value of a key. */
static int fit_lookups(struct training *t)
{
	size_t n_dirs;
	int r = lookups_fit(&t->profile->lookups, LIMIT_EXTRA_BYTES, &t->n_lookups_left,
			    &n_dirs);

	if (r == 0 && n_dirs > 0)
		log_info(
			"%zu names looked up in %zu director%s are left out: a profile has "
			"room for %u KiB of them",
			t->n_lookups_left, n_dirs, n_dirs == 1 ? "y" : "ies",
			LIMIT_EXTRA_BYTES / 1024);
	return r < 0 ? log_errno(r, "cannot write") : 0;
}

/* What is written through, a device or a pipe, had nothing that is gone now. */
static bool is_replaced(const char *path)
{
	struct stat st;

	return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int train_write_profile(struct training *t, char **ret_path)
{
	_cleanup_free_ char *text = NULL, *path = NULL;
	size_t bytes;
	int r = fit_lookups(t);

	if (r < 0)
		return r;
	if (arg_install)
		r = train_install(&(struct train_install){ arg_root, arg_system, t->why },
				  &t->profile, &t->installed);
	else if ((r = profile_write(t->profile, &text, &bytes)) < 0)
		log_errno(r, "cannot write the profile of '%s'", t->program);
	if (r < 0)
		return r;
	if (arg_install) {
		text = TAKE_PTR(t->installed.text);
		bytes = t->installed.bytes;
	}
	if (arg_output)
		path = strdup(arg_output);
	else if (!arg_install && asprintf(&path, "%s.json", base_name(t->program)) < 0)
		path = NULL;
	if (!path)
		return arg_install && !arg_output ? 0 : log_errno(-ENOMEM, "cannot write");
	t->has_replaced = is_replaced(path);
	r = output_text(path, text, bytes);
	if (r < 0)
		return r;
	*ret_path = TAKE_PTR(path);
	return 0;
}

/* Where it is now, and what was there. */
static void tell_where(const struct training *t, const char *path)
{
	const struct train_installed *in = &t->installed;
	char before[64] = "";

	if (in->n_replaced_runs > 0)
		snprintf(before, sizeof(before), ", in place of one of %u run%s",
			 in->n_replaced_runs, in->n_replaced_runs == 1 ? "" : "s");
	else if (in->has_replaced)
		strcpy(before, ", in place of one that could not be read");
	if (in->name)
		log_info("installed as '%s/%s'%s", store_profile_dir(true), in->name,
			 before);
	if (path && strcmp(path, "-") != 0)
		log_info("written to '%s'%s", path,
			 t->has_replaced ? ", in place of what was there" : "");
}

/* A scenario that somebody has named is read where it is asked for, and else as there are others. */
static void tell_read(const struct training *t)
{
	const struct train_installed *in = &t->installed;

	if (!in->name || arg_system || t->scenario || strcmp(arg_scenario, "default") == 0)
		return;
	if (in->is_read)
		log_info(in->n_read == 1
				 ? "a launch reads it, since there is no scenario 'default'"
				 : "a launch reads it and %zu more, since there is no "
				   "scenario 'default'",
			 in->n_read - 1);
	else if (in->read_instead)
		log_info("a launch reads '%s', of scenario 'default'; this one where it is "
			 "said (elfcast run --scenario=%s), or where both are one profile "
			 "(elfcast merge --scenario=default)",
			 in->read_instead, arg_scenario);
}

static void print_report(const struct trace_system_report *r)
{
	json_bool("exact", r->exact && !r->n_large);
	json_bool("light", arg_light);
	json_uint("large_folios", r->n_large);
	json_uint("events", r->n_events);
	json_uint("lost_events", r->n_lost);
	json_uint("overflows", r->n_overflows);
	json_uint("clashes", r->n_clashes);
	json_uint("left_out", r->n_left_out);
}

void train_print_summary(const struct training *t, const char *path)
{
	const struct profile *p = t->profile;
	uint64_t n_pages = train_auto_count(p);

	if (t->n_private)
		log_info("%u file%s that not everybody may read: %s", t->n_private,
			 t->n_private == 1 ? "" : "s",
			 train_is_public() ? "left out" : "named, without digests");
	if (!arg_json) {
		log_info("%s: %zu objects, %llu pages (%.1f MiB), %u run%s, %s", p->program,
			 p->n_objects, (unsigned long long)n_pages,
			 (double)n_pages * PAGE_BYTES / (1 << 20), p->n_runs,
			 p->n_runs == 1 ? "" : "s", p->method);
		tell_where(t, path);
		tell_read(t);
		return;
	}
	json_open(NULL, '{');
	json_string("program", p->program);
	json_string("scenario", p->scenario);
	json_uint("objects", p->n_objects);
	json_uint("lookups", lookups_count(&p->lookups));
	json_uint("lookups_left_out", t->n_lookups_left);
	json_uint("pages", n_pages);
	json_uint("bytes", n_pages * PAGE_BYTES);
	json_uint("runs", p->n_runs);
	json_string("method", p->method);
	if (arg_system) {
		print_report(&t->report);
	} else {
		json_uint("unseen", t->n_unseen);
		json_uint("settled", t->n_settled);
		json_uint("cut", t->n_cut);
		json_uint("still_reading", t->n_reading);
		train_print_left_out(t->n_left_out);
	}
	json_uint("private", t->n_private);
	json_string("output", path);
	json_string("installed", t->installed.name);
	if (t->installed.name && !arg_system)
		json_bool("read", t->installed.is_read);
	json_bool("replaced", t->installed.has_replaced || t->has_replaced);
	json_close('}');
}
