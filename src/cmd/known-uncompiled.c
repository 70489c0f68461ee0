/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What compile has not done yet: whose profiles these are, and what it would take up again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "known.h"
#include "log.h"
#include "parse-child.h"
#include "reconcile.h"
#include "utf8.h"

/* ---- profiles without a shadow ---- */

struct parse {
	const struct profile_file **files;
	struct known_launch **launches; /* of these */
	size_t n;
};

static void parse_done(struct parse *p)
{
	free(p->files);
	free(p->launches);
}

static int set_problem(struct known_launch *l, const struct diag *d)
{
	char path[512], at[32] = "";

	store_profile_path(l->file, path, sizeof(path));
	if (d->line > 0)
		snprintf(at, sizeof(at), ":%u:%u", d->line, d->column);
	if (asprintf(&l->problem, "%s%s: %s", path, at, d->message) < 0) {
		l->problem = NULL;
		return -ENOMEM;
	}
	utf8_blank(l->problem);
	return 0;
}

/* Somebody who may not read it knows no more than that it was not compiled. */
static int on_result(size_t i, struct parse_child_result *result, void *userdata)
{
	const struct parse *p = userdata;
	struct known_launch *l = p->launches[i];
	uint8_t *data = TAKE_PTR(result->data);
	int r;

	if (result->error == -EACCES || result->error == -ENOMEM)
		return result->error == -ENOMEM ? -ENOMEM : 0;
	if (result->error < 0)
		return set_problem(l, &result->diag);
	r = shadow_buffer_parse(data, result->bytes, SHADOW_KIND_SHADOW, &l->shadow);
	if (r < 0) {
		diag_set(&result->diag, 0, 0, "the parser returned a damaged shadow");
		return set_problem(l, &result->diag);
	}
	l->shadow.profile = strdup(l->file->name);
	return l->shadow.profile ? 0 : -ENOMEM;
}

int known_parse_uncompiled(const struct store *s, struct facts_context *facts,
			   struct known *k)
{
	_cleanup_(parse_done) struct parse p = {
		.files = calloc(k->n + 1, sizeof(*p.files)),
		.launches = calloc(k->n + 1, sizeof(*p.launches)),
	};
	struct parse_child_job job = {
		.store = s, .facts = facts, .on_result = on_result, .userdata = &p
	};

	if (!p.files || !p.launches)
		return -ENOMEM;
	for (size_t i = 0; i < k->n; i++) {
		struct known_launch *l = &k->items[i];
		struct diag d = { 0 };

		if (l->shadow.data || !l->file || l->file->masked)
			continue;
		if (l->file->error == 0) {
			p.files[p.n] = l->file;
			p.launches[p.n++] = l;
			continue;
		}
		parse_child_describe(l->file->error, &d);
		if (set_problem(l, &d) < 0)
			return -ENOMEM;
	}
	job.files = p.files;
	job.n_files = p.n;
	return parse_child_run(&job);
}

/* ---- what compile would look at again ---- */

/* Of what lies where not everybody may go nothing is noted, so that it is looked at each time. */
static bool is_out_of_reach(const struct known_launch *l, const char *why)
{
	const struct shadow *s = &l->shadow.shadow;
	char text[LIMIT_PATH_BYTES + 16];

	for (uint32_t i = 0; i < s->n_objects; i++) {
		snprintf(text, sizeof(text), "'%s' changed",
			 shadow_string(s, s->objects[i].path));
		if (s->objects[i].state == OBJECT_UNUSABLE && strcmp(why, text) == 0)
			return true;
	}
	return false;
}

static void on_plan(const char *path, const char *why, void *userdata)
{
	struct known *k = userdata;
	char own[512];

	for (size_t i = 0; i < k->n; i++) {
		struct known_launch *l = &k->items[i];

		if (!l->file || l->is_pending ||
		    (!l->file->program && !path_is_called(path, l->file->name)))
			continue;
		store_profile_path(l->file, own, sizeof(own));
		if (strcmp(own, path) == 0)
			l->is_pending = !is_out_of_reach(l, why);
	}
}

int known_find_pending(const struct store *s, struct known *k)
{
	const struct reconcile_options options = {
		.storage_override = -1, .dry_run = true, .on_plan = on_plan, .userdata = k
	};
	struct reconcile_result result;
	int r = reconcile_run(s, &options, &result);

	return r < 0 ? log_errno(r, "cannot tell what compile would do") : 0;
}
