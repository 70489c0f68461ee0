/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The choice for the pack, made again from what is on disk, so that it is the one of the next
 * compile, and whether the pack that is there is that one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "cmd.h"
#include "json-out.h"
#include "log.h"
#include "pack-build.h"
#include "status.h"
#include "terminal.h"
#include "text-out.h"

/* Narrower terminals get less columns. */
enum { WITH_WEIGHT = 80, WITH_SUMS = 100 };

/* Without --verbose, only the first ones that were left out. */
#define LEFT_OUT_LINES 10

enum on_disk { DISK_NONE, DISK_DAMAGED, DISK_OTHER_VERSION, DISK_OLD, DISK_CURRENT };

static const char *const disk_words[] = {
	[DISK_NONE] = "missing",
	[DISK_DAMAGED] = "damaged",
	[DISK_OTHER_VERSION] = "other version",
	[DISK_OLD] = "out of date",
	[DISK_CURRENT] = "current",
};

static const char *const verdict_keys[PACK_VERDICTS] = {
	[PACK_TAKEN] = "taken",		  [PACK_OVER_BUDGET] = "over-budget",
	[PACK_OVER_TIME] = "over-time",	  [PACK_OTHER_SCENARIO] = "other-scenario",
	[PACK_OTHER_BOOT] = "other-boot", [PACK_UNUSED] = "unused",
	[PACK_STALE] = "stale",		  [PACK_ABSENT] = "absent",
	[PACK_NEVER] = "never",
};

static const char *const verdict_words[PACK_VERDICTS] = {
	[PACK_OVER_BUDGET] = "over the budget",
	[PACK_OVER_TIME] = "over the time",
	[PACK_OTHER_SCENARIO] = "not the default scenario",
	[PACK_OTHER_BOOT] = "another recorded boot fits this system better",
	[PACK_UNUSED] = "read ahead at several boots, and not launched",
	[PACK_STALE] = "nothing to read: files missing or changed",
	[PACK_ABSENT] = "not installed",
	[PACK_NEVER] = "disabled, or never, says elfcast.conf",
};

const char *status_pack_verdict(int verdict)
{
	return verdict_words[verdict] ? verdict_words[verdict] : "read";
}

const char *status_pack_verdict_key(int verdict)
{
	return verdict_keys[verdict];
}

static double mib(uint64_t n_pages)
{
	return (double)n_pages * PAGE_BYTES / (1 << 20);
}

/* DATA: the pack that should be there; NULL: none. */
static enum on_disk look_at_disk(const struct store *s, const uint8_t *data, size_t bytes)
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer old = { 0 };
	int r = store_load(s, STORE_PACK, NULL, &old);

	if (r == -ENOENT)
		return data ? DISK_NONE : DISK_CURRENT;
	if (r == -ESTALE)
		return DISK_OTHER_VERSION;
	if (r < 0)
		return DISK_DAMAGED;
	return data && old.bytes == bytes && memcmp(old.data, data, bytes) == 0
		       ? DISK_CURRENT
		       : DISK_OLD;
}

static void print_json_choice(const struct pack_choice *c)
{
	json_open(NULL, '{');
	json_string("program", c->program);
	json_string("scenario", c->scenario);
	json_string("profile", c->name);
	json_string("verdict", verdict_keys[c->verdict]);
	json_bool("always", c->always);
	json_bool("at_boot", c->boot);
	json_double("weight", (double)c->weight / PACK_CERTAIN);
	status_put_habit(&c->habit);
	json_double("saving_ms", (double)c->saving_us / 1000);
	json_double("reading_ms", (double)c->reading_us / 1000);
	json_uint("pages", c->n_pages);
	json_uint("new_pages", c->n_new_pages);
	json_close('}');
}

static void print_json(const struct pack *p, const struct config *c, enum on_disk disk,
		       unsigned n_damaged)
{
	json_open(NULL, '{');
	json_string("pack", disk_words[disk]);
	json_bool("boot", config_allows_boot(c));
	json_uint("budget_bytes", pack_budget_bytes(p));
	json_uint("budget_ms", c->time_ms);
	json_uint("damaged_shadows", n_damaged);
	json_open("launches", '[');
	for (size_t i = 0; i < pack_count(p); i++)
		print_json_choice(pack_get(p, i));
	json_close(']');
	json_close('}');
}

/* The profile, too, where the program has another one of this scenario. */
static void print_name(FILE *f, const struct pack *p, const struct pack_choice *c)
{
	bool ambiguous = false;

	for (size_t i = 0; !ambiguous && i < pack_count(p); i++) {
		const struct pack_choice *o = pack_get(p, i);

		ambiguous = o != c && strcmp(o->program, c->program) == 0 &&
			    strcmp(o->scenario, c->scenario) == 0;
	}
	text_put_launch(f, c->program, c->scenario, ambiguous ? c->name : NULL);
}

static void print_head(FILE *f, unsigned columns)
{
	fprintf(f, "%5s", "RANK");
	if (columns >= WITH_WEIGHT)
		fprintf(f, " %9s" STATUS_HABIT_COLUMNS, "WEIGHT");
	fprintf(f, " %9s %9s", "SAVES MS", "NEW MIB");
	if (columns >= WITH_SUMS)
		fprintf(f, " %9s %9s", "SHARED", "SUM");
	fputs("  PROGRAM\n", f);
}

static void print_columns(FILE *f, const struct pack_choice *c, unsigned columns)
{
	if (columns >= WITH_WEIGHT) {
		fprintf(f, " %9.3f", (double)c->weight / PACK_CERTAIN);
		status_print_habit(f, &c->habit);
	}
	fprintf(f, " %9.0f %9.1f", (double)c->saving_us / 1000, mib(c->n_new_pages));
}

static size_t print_taken(FILE *f, const struct pack *p)
{
	unsigned columns = terminal_columns(STDOUT_FILENO);
	uint64_t n_pages = 0;
	size_t i;

	for (i = 0; i < pack_count(p); i++) {
		const struct pack_choice *c = pack_get(p, i);

		if (c->verdict != PACK_TAKEN)
			break;
		if (i == 0)
			print_head(f, columns);
		n_pages += c->n_new_pages;
		fprintf(f, "%5zu", i + 1);
		print_columns(f, c, columns);
		if (columns >= WITH_SUMS)
			fprintf(f, " %9.1f %9.1f", mib(c->n_pages - c->n_new_pages),
				mib(n_pages));
		fputs("  ", f);
		print_name(f, p, c);
		fprintf(f, "%s\n", c->boot ? " (boot)" : c->always ? " (always)" : "");
	}
	return i;
}

static void print_left_out(FILE *f, const struct pack *p, size_t first)
{
	unsigned columns = terminal_columns(STDOUT_FILENO);
	size_t n = pack_count(p) - first, n_lines = n;

	if (n == 0)
		return;
	if (log_get_level() < LOG_LEVEL_DEBUG)
		n_lines = MIN(n, (size_t)LEFT_OUT_LINES);
	fprintf(f, "%sLeft out:\n", first ? "\n" : "");
	for (size_t i = first; i < first + n_lines; i++) {
		const struct pack_choice *c = pack_get(p, i);

		fprintf(f, "%5s", "-");
		print_columns(f, c, columns);
		fputs("  ", f);
		print_name(f, p, c);
		fprintf(f, ": %s\n", verdict_words[c->verdict]);
	}
	if (n_lines < n)
		fprintf(f, "%5s and %zu more; --verbose lists them\n", "", n - n_lines);
}

static void print_sum(const struct pack *p, const struct config *c, size_t n_taken)
{
	uint64_t n_pages = 0, us = 0;
	char limit[64] = "";

	for (size_t i = 0; i < n_taken; i++) {
		n_pages += pack_get(p, i)->n_new_pages;
		us += pack_get(p, i)->reading_us;
	}
	if (c->time_ms > 0)
		snprintf(limit, sizeof(limit), " of %.1f", c->time_ms / 1000.0);
	log_info("%zu of %zu launch%s, %.1f of %.1f MiB, about %.1f%s s to read", n_taken,
		 pack_count(p), pack_count(p) == 1 ? "" : "es", mib(n_pages),
		 (double)pack_budget_bytes(p) / (1 << 20), (double)us / 1e6, limit);
}

static int print_text(const struct pack *p, const struct config *c)
{
	struct text_lines t;
	size_t n_taken;

	if (text_open(&t) < 0)
		return CMD_FAILED;
	n_taken = print_taken(t.f, p);
	print_left_out(t.f, p, n_taken);
	if (text_close(&t) < 0)
		return CMD_FAILED;
	print_sum(p, c, n_taken);
	return CMD_DONE;
}

static void warn(enum on_disk disk, const struct config *c, unsigned n_damaged)
{
	if (!config_allows_boot(c))
		log_info("reading at boot is switched off in %s", store_config_path());
	if (n_damaged > 0)
		log_warning("%u shadow%s damaged or of another version", n_damaged,
			    n_damaged == 1 ? " is" : "s are");
	if (disk != DISK_CURRENT)
		log_warning("the pack is %s: 'elfcast compile' makes it new",
			    disk_words[disk]);
}

static void on_config_problem(const char *path, const struct diag *d,
			      _unused_ void *userdata)
{
	log_diag(path, d);
}

static int load(const struct store *s, struct config *c, struct pack **ret_pack,
		unsigned *ret_damaged, enum on_disk *ret_disk)
{
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	_cleanup_free_ uint8_t *data = NULL;
	size_t bytes = 0;
	int r = config_load(s, c, on_config_problem, NULL);

	if (r == 0)
		r = mounts_load(&mounts);
	if (r == 0)
		r = pack_build(s, c, mounts, ret_pack, ret_damaged);
	if (r == 0)
		r = pack_build_bytes(*ret_pack, s, mounts, &data, &bytes);
	if (r == 0)
		*ret_disk = look_at_disk(s, data, bytes);
	return r;
}

int status_pack(const struct store *s)
{
	_cleanup_(pack_freep) struct pack *p = NULL;
	_cleanup_(config_done) struct config c = { 0 };
	enum on_disk disk = DISK_NONE;
	unsigned n_damaged = 0;
	int r = load(s, &c, &p, &n_damaged, &disk);

	if (r == -EACCES) {
		log_error("cannot choose what to read at boot: launch counts are root's to "
			  "read");
		return CMD_FAILED;
	}
	if (r < 0) {
		log_errno(r, "cannot choose what to read at boot");
		return CMD_FAILED;
	}
	r = CMD_DONE;
	if (arg_json)
		print_json(p, &c, disk, n_damaged);
	else
		r = print_text(p, &c);
	warn(disk, &c, n_damaged);
	return r;
}
