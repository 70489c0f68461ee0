/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * elfcast status PROGRAM: each profile of it, which of its files are not those it knows, its place
 * at boot, how often it is launched, and what mends it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bounds.h"
#include "clock.h"
#include "cmd.h"
#include "json-out.h"
#include "launch-counts.h"
#include "log.h"
#include "mounts.h"
#include "pack-build.h"
#include "status-look.h"
#include "status.h"
#include "text-out.h"

/* Files of a launch that are told by name, without --verbose. */
#define FILE_LINES 8u

/* What is the same for all programs that are asked for. */
struct context {
	const struct store *store;
	struct known known;
	struct mounts *mounts;
	struct facts_context facts;
	struct config config;
	struct pack *pack; /* NULL: not known */
	struct launch_counts counts;
	int counts_error;
	struct status_gain gain;
};

static void context_done(struct context *c)
{
	pack_free(c->pack);
	config_done(&c->config);
	launch_counts_done(&c->counts);
	status_gain_done(&c->gain);
	facts_done(&c->facts);
	mounts_free(c->mounts);
	known_done(&c->known);
}

static int context_load(const struct store *s, struct context *c)
{
	unsigned n_damaged;
	int r;

	c->store = s;
	r = known_load(s, &c->known);
	if (r == 0)
		r = known_find_pending(s, &c->known);
	if (r < 0)
		return r;
	r = mounts_load(&c->mounts);
	if (r == 0)
		r = config_load(s, &c->config, NULL, NULL);
	if (r == 0)
		r = status_load_times(s, &c->gain);
	if (r < 0)
		return log_errno(r, "cannot look at what is installed");
	c->facts = (struct facts_context){ .rootfd = s->rootfd,
					   .root_path = s->root_path,
					   .mounts = c->mounts,
					   .storage_override = -1 };
	c->counts_error = launch_counts_load(s, &c->counts);
	if (c->counts_error < 0)
		c->counts = (struct launch_counts){ 0 };
	/* Without the right to read the counts its place is not known. */
	if (pack_build(s, &c->config, c->mounts, &c->pack, &n_damaged) < 0)
		c->pack = NULL;
	return 0;
}

static const struct pack_choice *find_choice(const struct context *c, const char *profile,
					     size_t *ret_rank)
{
	for (size_t i = 0; c->pack && i < pack_count(c->pack); i++)
		if (strcmp(pack_get(c->pack, i)->name, profile) == 0) {
			*ret_rank = i + 1;
			return pack_get(c->pack, i);
		}
	return NULL;
}

static const char *why(const struct row *row)
{
	switch (row->now) {
	case NOW_STALE:
		return "another build or size than the profile knows";
	case NOW_CHANGED:
		return "changed since it was compiled";
	case NOW_MISSING:
		return "not there";
	case NOW_UNREADABLE:
		return "not for everybody to read, or on no local disk: not read ahead";
	default:
		return now_text(row->now);
	}
}

/* ---- text ---- */

static bool is_as_trained(const struct row *row)
{
	return (now_is_usable(row->now) && !row->confidence) || row->now == NOW_OTHER;
}

static void print_files(FILE *f, const struct summary *s)
{
	bool all = log_get_level() >= LOG_LEVEL_DEBUG;
	size_t n = 0;

	for (size_t i = 0; i < s->n_rows; i++) {
		const struct row *row = &s->rows[i];

		if (is_as_trained(row) || (n++ >= FILE_LINES && !all))
			continue;
		fputs("           ", f);
		text_put(f, row->path);
		if (now_is_usable(row->now))
			fprintf(f, ": another build, retargeted: %u %% sure\n",
				row->confidence);
		else
			fprintf(f, ": %s\n", why(row));
	}
	if (n > FILE_LINES && !all)
		fprintf(f, "           and %zu more; --verbose lists them\n",
			n - FILE_LINES);
}

static void print_state(FILE *f, const struct known_launch *l, const struct summary *s)
{
	fprintf(f, "state:     %s, %zu of %zu file%s as the profile knows them",
		known_state_text(l->state), l->totals.n_usable - l->totals.n_retargeted,
		l->n_objects, l->n_objects == 1 ? "" : "s");
	if (l->totals.n_retargeted > 0)
		fprintf(f, ", %zu retargeted", l->totals.n_retargeted);
	fprintf(f, ", %.1f MiB\n",
		(double)l->totals.n_pages_usable * PAGE_BYTES / (1 << 20));
	print_files(f, s);
}

static void mend_command(const struct known_launch *l, char *ret, size_t bytes)
{
	*ret = 0;
	if (l->state == KNOWN_UNCOMPILED || status_is_orphan(l) || status_wants_compile(l))
		snprintf(ret, bytes, "elfcast compile");
	else if (status_wants_training(l))
		status_train_command(l, ret, bytes);
}

/* Whoever did that meant it: nothing is to be mended. */
static void print_disabled(FILE *f, const struct context *c, const struct known_launch *l)
{
	_cleanup_free_ char *listed = NULL;

	if (l->state != KNOWN_DISABLED)
		return;
	if (config_find_disabled(c->store, known_file(l), &listed) < 0) {
		fprintf(f, "disabled:  Never= in '%s' names it\n", store_config_path());
		return;
	}
	fputs("disabled:  'elfcast enable ", f);
	text_put(f, known_file(l));
	fputs("' undoes that\n", f);
}

static void print_choice(FILE *f, const struct context *c, const char *profile)
{
	size_t rank = 0;
	const struct pack_choice *choice = find_choice(c, profile, &rank);

	fputs("at boot:   ", f);
	if (!choice)
		fprintf(f, "%s\n",
			c->pack ? "not read"
				: "not known: launch counts are root's to read");
	else if (choice->verdict == PACK_TAKEN)
		fprintf(f,
			"read, rank %zu, adds %.1f MiB, saves about %.0f ms of a cold "
			"launch\n",
			rank, (double)choice->n_new_pages * PAGE_BYTES / (1 << 20),
			(double)choice->saving_us / 1000);
	else
		fprintf(f, "not read: %s\n", status_pack_verdict(choice->verdict));
}

static void print_mend(FILE *f, const struct context *c, const struct known_launch *l)
{
	char command[512];

	mend_command(l, command, sizeof(command));
	if (*command) {
		fputs("to mend:   '", f);
		text_put(f, command);
		fputs("'\n", f);
	} else if ((l->state == KNOWN_STALE || l->state == KNOWN_PARTLY_STALE) &&
		   strcmp(known_scenario(l), SCENARIO_BOOT) == 0 && c->config.boot_train &&
		   config_allows_boot(&c->config)) {
		fputs("to mend:   nothing: recorded again at a next boot, once much has "
		      "changed\n",
		      f);
	}
}

static void print_launch(FILE *f, struct context *c, const struct known_launch *l)
{
	_cleanup_(summary_done) struct summary s = { 0 };
	char path[512] = "its profile is gone";

	if (l->file)
		store_profile_path(l->file, path, sizeof(path));
	fputs("\nprofile:   ", f);
	text_put(f, path);
	if (strcmp(known_scenario(l), "default") != 0) {
		fputs(", scenario ", f);
		text_put(f, known_scenario(l));
	}
	if (strcmp(known_program(l), known_file(l)) != 0) {
		fputs(", launched as ", f);
		text_put(f, known_program(l));
	}
	fputc('\n', f);
	if (l->state == KNOWN_ABSENT) {
		fputs("state:     not installed\n", f);
		return;
	}
	if (summary_from_shadow(&l->shadow, &c->facts, &s) < 0)
		return;
	print_state(f, l, &s);
	print_choice(f, c, known_profile(l));
	print_disabled(f, c, l);
	print_mend(f, c, l);
}

static void print_counts(FILE *f, const struct context *c, const char *program)
{
	const struct launch_count *n = launch_counts_find(&c->counts, program);
	char when[32];

	fputs("launches:  ", f);
	if (c->counts_error == -EACCES) {
		fputs("not known: the counts are root's to read\n", f);
	} else if (!n || n->weight == 0) {
		fprintf(f, "%s\n", c->counts_error == 0 ? "none counted" : "not counted");
	} else {
		text_time(n->last_s, when, sizeof(when));
		fprintf(f, "%.1f of late (a count halves in %u days), last %s\n",
			(double)n->weight / LAUNCHES_ONE, LAUNCHES_HALF_LIFE_S / 86400,
			when);
	}
}

/* What elfcastd measured of its cold launches, where it has. */
static void print_gain(FILE *f, const struct context *c, const char *program)
{
	struct launch_gain g;

	if (launch_gain_find(&c->gain.times, program, &g) < 0 || g.n_read + g.n_alone == 0)
		return;
	fputs("gain:      ", f);
	if (launch_verdicts_is_off(&c->gain.verdicts, program))
		fputs("none when it is launched: not read ahead then any more\n", f);
	else if (g.n_pairs < LAUNCH_GAIN_PAIRS)
		fprintf(f, "%zu cold launch%s timed, %zu left alone: too few to tell\n",
			g.n_read + g.n_alone, g.n_read + g.n_alone == 1 ? "" : "es",
			g.n_alone);
	else
		fprintf(f,
			"saves %.0f %% of a cold launch [%.0f to %.0f]: %.0f ms, left "
			"alone "
			"%.0f ms\n",
			g.percent.value, g.percent.low, g.percent.high, g.read_ms,
			g.alone_ms);
}

/* ---- JSON ---- */

static void put_retargeted(const struct summary *s)
{
	json_open("retargeted", '[');
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct row *row = &s->rows[i];

		if (!row->confidence || !now_is_usable(row->now))
			continue;
		json_open(NULL, '{');
		json_string("path", row->path);
		json_uint("confidence", row->confidence);
		json_close('}');
	}
	json_close(']');
}

static void put_files(const struct summary *s)
{
	json_open("files", '[');
	for (size_t i = 0; i < s->n_rows; i++) {
		if (now_is_usable(s->rows[i].now))
			continue;
		json_open(NULL, '{');
		json_string("path", s->rows[i].path);
		json_string("now", now_text(s->rows[i].now));
		json_close('}');
	}
	json_close(']');
}

static void put_launch(struct context *c, const struct known_launch *l)
{
	_cleanup_(summary_done) struct summary s = { 0 };
	const struct pack_choice *choice;
	char command[512];
	size_t rank = 0;

	json_open(NULL, '{');
	json_string("profile", known_profile(l));
	json_string("scenario", known_scenario(l));
	json_string("program", known_program(l));
	json_string("state", known_state_text(l->state));
	json_uint("objects", l->n_objects);
	json_uint("usable_objects", l->totals.n_usable);
	if (summary_from_shadow(&l->shadow, &c->facts, &s) == 0) {
		put_files(&s);
		put_retargeted(&s);
	}
	choice = find_choice(c, known_profile(l), &rank);
	json_string("at_boot", choice ? status_pack_verdict_key(choice->verdict) : NULL);
	if (choice && choice->verdict == PACK_TAKEN)
		json_uint("rank", rank);
	mend_command(l, command, sizeof(command));
	json_string("command", *command ? command : NULL);
	json_close('}');
}

static void put_counts(const struct context *c, const char *program)
{
	const struct launch_count *n = launch_counts_find(&c->counts, program);

	if (c->counts_error < 0 && c->counts_error != -ENOENT) {
		json_string("launches", NULL);
		return;
	}
	json_double("launches", n ? (double)n->weight / LAUNCHES_ONE : 0);
	json_uint("last", n ? n->last_s : 0);
}

/* "SOURCE.PROGRAM.json": all that is known of a profile that cannot be read. */
static bool is_about(const struct known_launch *l, const char *program)
{
	const char *slash = strrchr(program, '/');
	char end[LIMIT_PROFILE_NAME_BYTES + 8];
	size_t n, n_end;

	snprintf(end, sizeof(end), ".%s.json", slash ? slash + 1 : program);
	n = strlen(known_profile(l));
	n_end = strlen(end);
	return n > n_end && strcmp(known_profile(l) + n - n_end, end) == 0;
}

static void tell_none(const struct known *k, const char *program, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++) {
		const struct known_launch *l = &k->items[i];

		if ((l->state != KNOWN_DAMAGED && l->state != KNOWN_UNREADABLE) ||
		    !is_about(l, program))
			continue;
		log_error("%s", l->problem);
		n++;
	}
	if (n > 0)
		log_error("there is no profile of '%s' that can be used", program);
	else
		log_error(
			"there is no profile of '%s': 'elfcast train --install -- %s ...' "
			"makes one",
			program, name);
}

static bool is_of(const struct known_launch *l, const char *program)
{
	return l->shadow.data && strcmp(known_file(l), program) == 0;
}

static int print_program(struct context *c, const char *program, bool first)
{
	struct text_lines t;
	int r = text_open(&t);

	if (r < 0)
		return r;
	fputs(first ? "" : "\n", t.f);
	text_put(t.f, program);
	fputc('\n', t.f);
	print_counts(t.f, c, program);
	print_gain(t.f, c, program);
	for (size_t i = 0; i < c->known.n; i++)
		if (is_of(&c->known.items[i], program))
			print_launch(t.f, c, &c->known.items[i]);
	return text_close(&t);
}

static void put_program(struct context *c, const char *program)
{
	json_open(NULL, '{');
	json_string("program", program);
	put_counts(c, program);
	status_put_program_gain(&c->gain, program);
	json_open("profiles", '[');
	for (size_t i = 0; i < c->known.n; i++)
		if (is_of(&c->known.items[i], program))
			put_launch(c, &c->known.items[i]);
	json_close(']');
	json_close('}');
}

static int look_at(struct context *c, const char *name, bool first)
{
	_cleanup_free_ char *program = NULL;
	size_t n = 0;
	int r = known_find_program(c->store, &c->known, name, &program);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->known.n; i++)
		n += is_of(&c->known.items[i], program);
	if (n == 0) {
		tell_none(&c->known, program, name);
		return -ENOENT;
	}
	if (!arg_json)
		return print_program(c, program, first);
	put_program(c, program);
	return 0;
}

int status_programs(const struct store *s, int n, char *const names[])
{
	_cleanup_(context_done) struct context c = { 0 };
	int status = CMD_DONE;

	if (context_load(s, &c) < 0)
		return CMD_FAILED;
	if (arg_json)
		json_open(NULL, '[');
	for (int i = 0; i < n; i++)
		if (look_at(&c, names[i], i == 0) < 0)
			status = CMD_FAILED;
	if (arg_json)
		json_close(']');
	return status;
}
